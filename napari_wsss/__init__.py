"""Weakly supervised segmentation in napari: image-level labels become pseudo masks that a person corrects.

The sub-packages say in their own docstrings what they hold and may import.
"""
