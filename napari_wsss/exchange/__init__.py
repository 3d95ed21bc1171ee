"""Labels and masks in and out of other tools' formats, one file per format; may import core, pixels and project."""
