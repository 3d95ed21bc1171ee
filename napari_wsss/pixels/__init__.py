"""What is done with arrays of pixels alone: reading pictures, superpixels, walks over them, regions and clean-up."""
