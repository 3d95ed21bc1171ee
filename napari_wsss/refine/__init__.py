"""Activation maps to better maps, one file per step.

May import core, pixels, networks and weights, never another shelf.
"""
