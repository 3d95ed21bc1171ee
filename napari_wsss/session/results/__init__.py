"""What is stored or drawn for an image: maps, proposals, and the one snapshot of what is shown."""
