"""Weakly supervised segmentation in napari: image-level labels become pseudo masks that a person corrects.

The top modules `cli` and `pipeline` and the sub-packages say in their own docstrings what they know and may import.
"""
