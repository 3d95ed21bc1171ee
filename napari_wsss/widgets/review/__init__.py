"""The page Review: queue, labels, decisions, and what is known of the shown image."""
