"""Plain torch modules (trunks and heads) without any knowledge of projects; imports nothing of ours, only torch."""
