"""Thumbnails of images with their masks, drawn in the background."""
