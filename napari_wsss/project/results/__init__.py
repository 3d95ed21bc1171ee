"""What machines computed of images: files that may be deleted at any time and are verified on reading."""
