"""Images to class probabilities by a trained network, one file per network.

May import core, pixels, networks and weights, never another shelf.
"""
