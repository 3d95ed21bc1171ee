"""Image-level labels to activation maps, one file per method.

May import core, pixels, networks and weights, never another shelf.
"""
