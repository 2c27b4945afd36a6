"""Workflows that start by the clock: declared in code, a row for each, ticked by the workers (RB.10)."""
