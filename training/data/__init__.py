"""What a training sees: pictures, crops, pairs and pixel labels, and the order they come in."""
