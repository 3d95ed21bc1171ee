"""Clusters (sub-categories) of each class: as a machine found them and as a person edited them."""
