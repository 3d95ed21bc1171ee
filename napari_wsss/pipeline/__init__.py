"""What a plan makes of an image: which steps run, what their results are named by, and running them."""
