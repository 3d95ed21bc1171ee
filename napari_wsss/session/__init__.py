"""One person's sitting with a project: what is shown, edited, decided and running. May import core, pipeline and
exchange; never Qt, torch or a shelf.
"""
