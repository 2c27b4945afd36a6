"""A project of somebody else's that installs `workflows` beside its own app."""
