"""Results kept for equal inputs."""
