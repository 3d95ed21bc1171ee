"""Learning from everything a person gave, at once: examples, their cells, and the classifier fitted to them."""
