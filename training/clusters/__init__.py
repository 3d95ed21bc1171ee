"""Finding sub-categories and prototypes in the features of a trained classifier."""
