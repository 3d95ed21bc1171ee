"""How good maps and masks are: measures against true masks, and the tables that tell them."""
