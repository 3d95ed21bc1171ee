"""Looks whether a project is whole, restores a generation of it, copies its work elsewhere."""
