"""The page Refine: threshold, gains and the chain of refiners."""
