"""What `python -m training.run` does without learning: maps, proposals, comparisons, tables, weights."""
