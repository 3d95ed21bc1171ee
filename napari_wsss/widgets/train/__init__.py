"""The page Train: starting a stage, its runs, their models."""
