"""Commands of the demo, one a file."""
