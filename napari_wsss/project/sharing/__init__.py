"""Who computes which images, when several workers share the images of a project."""
