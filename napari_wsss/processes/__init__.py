"""Processes: starting and ending those of ours, running functions in one of their own, and telling one from another."""
