"""Processes: starting and ending ours, what they are told, functions in one of their own, telling them apart."""
