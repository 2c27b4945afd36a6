"""Migrations of the demo's ledger."""
