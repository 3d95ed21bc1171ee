"""A queue's order of very many images, taken of few rows and many numbers."""
