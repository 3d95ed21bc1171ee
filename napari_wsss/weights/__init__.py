"""Facts about published weights, reading them safely and fitting them to our networks; may import core."""
