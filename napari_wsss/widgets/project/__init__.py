"""The page Project: new projects, recent ones, classes."""
