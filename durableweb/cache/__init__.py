"""Results of nodes and tasks, kept for equal inputs."""
