"""Images to class-free saliency, one file per method; may import core, networks and weights, no other shelf."""
