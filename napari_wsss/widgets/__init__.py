"""What a labeler sees in napari: the dock, its pages, layers and keys; imports session and core, never torch."""
