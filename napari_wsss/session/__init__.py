"""One person's sitting with one project, without Qt: what is shown, edited, decided and running."""
