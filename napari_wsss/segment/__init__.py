"""Images to class probabilities by a trained network, one file per network; may import core, networks and weights."""
