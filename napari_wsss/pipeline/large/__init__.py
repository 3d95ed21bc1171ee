"""Maps and masks of pictures that are larger than the memory, made window by window."""
