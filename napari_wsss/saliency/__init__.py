"""Images to class-free saliency, one file per method.

May import core, pixels, networks and weights, never another shelf.
"""
