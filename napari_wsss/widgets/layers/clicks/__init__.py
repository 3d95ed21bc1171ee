"""Layers and tools that answer clicks: things pointed at, regions, the magic wand."""
