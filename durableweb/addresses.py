"""Checking a web address that somebody typed, before this server connects to it."""

from workflows.services.addresses import AddressRefused, NotResolved, parse, resolve

__all__ = ["AddressRefused", "NotResolved", "parse", "resolve"]
