"""Tools that correct a mask: scribbles and their propagation, clean-up, where to look."""
