"""What the demo reads from the settings, with a default for each."""

from pathlib import Path

from django.conf import settings


def private_addresses_are_allowed() -> bool:
    """Whether a workflow may fetch from this machine and its private networks."""
    return bool(getattr(settings, "DEMO_ALLOW_PRIVATE_ADDRESSES", False))


def git_repositories() -> list[Path]:
    """The repositories that release notes may be drawn from."""
    listed = getattr(settings, "DEMO_GIT_REPOSITORIES", [settings.BASE_DIR])
    return [Path(path).resolve() for path in listed]


def output_dir() -> Path:
    """Where workflows write their files."""
    return Path(settings.VAR_DIR)
