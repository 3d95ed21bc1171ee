"""The words: what is passed on between stages and what all of them agree about; only numpy and Pillow are imported."""
