"""Clusters as a person sees and edits them, and decisions for many images at once."""
