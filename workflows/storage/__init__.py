"""Rows <-> engine values: the saver, claims and leases, events, pruning."""
