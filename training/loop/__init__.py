"""The parts every training loop has: optimiser, schedule, checkpoints, milestones, rounds, plot."""
