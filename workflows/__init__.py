"""Durable workflows with human review: engine, storage, services and web."""
