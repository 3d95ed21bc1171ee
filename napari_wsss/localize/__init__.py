"""Image-level labels to activation maps, one file per method; may import core, networks and weights, no other shelf."""
