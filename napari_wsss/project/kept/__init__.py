"""What lies beside the database and the masks: copies of masks by content, the last revision, leftovers."""
