"""Which version is installed."""

from workflows.version import __version__

__all__ = ["__version__"]
