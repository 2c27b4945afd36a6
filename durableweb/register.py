"""Offer a workflow to the people of this site: call `register` in an app's `workflows.py`."""

from workflows.services.registry import register

__all__ = ["register"]
