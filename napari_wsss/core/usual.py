"""Choices that count where a person makes none, for all who offer them; importing them loads nothing."""

HELD_OUT = 0.2
"""Share of the images for validation where no split is given."""
DEEP_PERCENTILES = (0.1, 99.9)
"""Percentiles of the pixels of a picture of more than 8 bits that become 0 and 255."""
