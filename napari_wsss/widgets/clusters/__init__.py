"""The page Clusters: each class's sub-categories, edited and accepted as wholes."""
