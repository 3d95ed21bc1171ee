"""The generated sample: pictures with exact masks, and a folder of them with image-level labels."""
