"""What annotation files say about images, whichever tool wrote them; imports core, pixels and project, no reader."""
