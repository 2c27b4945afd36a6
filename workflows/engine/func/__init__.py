"""The functional API, on the same loop."""
