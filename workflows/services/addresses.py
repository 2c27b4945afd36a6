"""Web addresses that somebody typed: which of them this server may connect to.

A name is resolved first, every number it stands for is checked, and the caller connects to
one of the checked numbers, so a name cannot point elsewhere between check and connection.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(ValueError):
    """The address may not be connected to; another try would change nothing."""


class NotResolved(Exception):
    """The name stands for no number just now; another try may succeed."""


def parse(text: str) -> httpx.URL:
    """`text` as an http or https address without user and password."""
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(f"{text!r} is not an address: {error}") from error
    if url.scheme not in ("http", "https"):
        raise AddressRefused(f"{text!r}: only http and https addresses are fetched")
    if not url.host:
        raise AddressRefused(f"{text!r} names no host")
    if url.userinfo:
        raise AddressRefused(f"{url.host}: an address may not carry a user or password")
    return url


def resolve(
    url: httpx.URL,
    *,
    allow_private: bool = False,
    networks: Sequence[Network] = (),
    hint: str = "",
) -> list[Address]:
    """The numbers that the host of `url` stands for, all of them allowed.

    Allowed are public numbers, those in `networks`, and with `allow_private` this machine
    and private networks. `hint` ends the text of a refusal. Raises AddressRefused or
    NotResolved.
    """
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise NotResolved(f"{url.host} cannot be resolved: {error}") from error
    names = dict.fromkeys(str(info[4][0]).partition("%")[0] for info in found)
    addresses = [ipaddress.ip_address(name) for name in names]
    for address in addresses:
        if not is_allowed(address, allow_private=allow_private, networks=networks):
            more = f"; {hint}" if hint else ""
            raise AddressRefused(
                f"{url.host} is {address}, which is not a public address{more}"
            )
    return addresses


def is_allowed(
    address: Address, *, allow_private: bool = False, networks: Sequence[Network] = ()
) -> bool:
    """Whether this number may be connected to; an IPv4 number inside an IPv6 one counts."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_allowed(inner, allow_private=allow_private, networks=networks)
    # Link-local addresses hold the metadata services of clouds: never, whatever is set.
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if any(address in network for network in networks):
        return True
    if address.is_loopback:
        return allow_private
    if address.is_reserved:
        return False
    return address.is_global or (allow_private and address.is_private)
