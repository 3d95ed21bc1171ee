"""What a learner answers from and beside: kept features, the chains behind it and behind maps, and pooling."""
