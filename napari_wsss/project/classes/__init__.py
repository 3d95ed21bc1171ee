"""Changes of the class list that are about the whole project, and taking them back."""
