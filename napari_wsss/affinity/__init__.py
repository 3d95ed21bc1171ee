"""Images to affinities of their pixels, one file per network; may import core, networks and weights, no other shelf."""
