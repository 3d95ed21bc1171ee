"""What a person's seconds buy: simulated annotators, what their gestures cost, and the curves of what is learned."""
