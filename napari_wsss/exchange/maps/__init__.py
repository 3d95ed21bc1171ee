"""Activation maps of other tools for the images of a project; imports what stands below it in exchange."""
