"""For the admin of a host's own models: the open questions about an object, on its page."""

from workflows.admin.embedding import ReviewedAdmin

__all__ = ["ReviewedAdmin"]
