"""The commands of `napari-wsss`: a file declares one or a few that belong together, `table.py` lists them all."""
