"""The page Correct: propagation of scribbles and clean-up of the mask."""
