"""Training runs of napari-wsss, headless or started by the panel: knows recipes and runs.

Imports everything of `napari_wsss` but `session` and `widgets`.
"""
