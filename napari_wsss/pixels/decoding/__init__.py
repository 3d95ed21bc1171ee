"""From the bytes of a picture file to pixels: deep values, channels, planes of stacks, and what was changed."""
