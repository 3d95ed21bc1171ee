"""What is stored and passed on between stages; imports nothing of ours, only numpy, Pillow and scikit-image."""
