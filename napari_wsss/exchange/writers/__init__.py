"""Formats that an export writes, one file each behind `base.Writer`; may import exchange, core, pixels and project."""
