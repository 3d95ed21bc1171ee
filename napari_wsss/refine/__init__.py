"""Activation maps to better maps, one file per step; may import core, networks and weights, no other shelf."""
