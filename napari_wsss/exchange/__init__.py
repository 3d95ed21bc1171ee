"""Labels, masks and projects in and out of other tools' formats, one file per format; may import `core` only."""
