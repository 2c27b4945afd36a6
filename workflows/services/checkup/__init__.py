"""Why one thread does not go on: a list of checks, a verdict, and what may be done about it."""
