"""Formats of other tools, one file each behind `base.Reader`; imports annotations and what stands below exchange."""
