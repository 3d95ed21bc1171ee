"""Asking a project which images it has: by what, in which order, how many."""
