"""The tool that answers clicks on the canvas."""
