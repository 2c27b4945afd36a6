"""Which version of this package is installed."""

from importlib import metadata


def _installed() -> str:
    try:
        return metadata.version("durableweb")
    except metadata.PackageNotFoundError:  # run from its sources
        return ""


__version__ = _installed()
"""The version as text; empty where the package is not installed."""

__all__ = ["__version__"]
