"""What is on disk: a project folder with its database, masks, results and backups, and every decision and stroke."""
