"""Images to affinities of their pixels, one file per network.

May import core, pixels, networks and weights, never another shelf.
"""
