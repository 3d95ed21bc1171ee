"""Training runs: starting and following their process, their folders, cost and comparison."""
