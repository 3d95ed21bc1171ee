"""Promptable segmenters: networks that answer clicks and boxes with a mask, read from files a person names."""
