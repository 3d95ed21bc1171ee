"""Which trained models are applied, which were before, and what each changed."""
