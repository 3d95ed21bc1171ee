"""The keys: which there are, what they do, and changing them."""
