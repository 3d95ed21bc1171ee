"""Processes: starting and ending those of ours, what they are told, functions in one of their own, telling them apart."""
