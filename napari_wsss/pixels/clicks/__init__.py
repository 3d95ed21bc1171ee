"""What a click, a box or a wand means among pixels."""
