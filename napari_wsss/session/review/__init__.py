"""A person's decisions about images and their image-level labels."""
