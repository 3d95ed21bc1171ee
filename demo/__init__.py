"""What only the demonstration and its screenshots need."""
