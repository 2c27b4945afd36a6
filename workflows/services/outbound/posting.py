"""One POST to an address that somebody typed: checked, bounded, and nothing read back.

No redirect is followed, no proxy of the environment is used, and the body of the answer is
neither read nor kept: a webhook must not be a way to look into a network.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from functools import lru_cache

import httpx

from workflows.services.addresses import (
    Address,
    AddressRefused,
    Network,
    NotResolved,
    parse,
    resolve,
)

MAX_SECONDS = 10.0
CONNECT_SECONDS = 5.0
TIMEOUT = httpx.Timeout(MAX_SECONDS, connect=CONNECT_SECONDS)


class NotSent(Exception):
    """The call did not arrive; the text is ours and says nothing of what is over there."""


def check_target(
    url: str, *, networks: Sequence[Network], hosts: Sequence[str] = ()
) -> httpx.URL:
    """`url` if it may be called by its form; raises AddressRefused.

    With `hosts` only those names are called. Plain http goes to `networks` alone, which is
    known when the name is resolved.
    """
    target = parse(url)
    if hosts and target.host.lower() not in {each.lower() for each in hosts}:
        raise AddressRefused(f"{target.host} is not among the hosts that may be called")
    if target.scheme == "http" and not networks:
        raise AddressRefused("only https addresses are called")
    return target


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    networks: Sequence[Network] = (),
    hosts: Sequence[str] = (),
    seconds: float = MAX_SECONDS,
) -> int:
    """POST `body` and return the HTTP status; raises NotSent.

    `networks` may be called beside public addresses. `seconds` bounds the whole call from
    the connection on.
    """
    try:
        target = check_target(url, networks=networks, hosts=hosts)
        numbers = resolve(target, networks=networks)
        if target.scheme == "http" and not _are_inside(numbers, networks):
            raise AddressRefused("only https addresses are called")
    except AddressRefused as error:
        raise NotSent(f"refused: {error}") from error
    except NotResolved as error:
        raise NotSent("the name cannot be resolved") from error
    return asyncio.run(_post(target, numbers, body, headers, seconds))


def _are_inside(numbers: Sequence[Address], networks: Sequence[Network]) -> bool:
    return all(any(number in network for network in networks) for number in numbers)


async def _post(
    target: httpx.URL,
    numbers: Sequence[Address],
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
) -> int:
    try:
        # The client's own limits are per read: a server that drips must end as well.
        async with asyncio.timeout(seconds):
            return await _try_each(target, numbers, body, headers)
    except TimeoutError as error:
        raise NotSent(f"no answer within {seconds:g} seconds") from error


async def _try_each(
    target: httpx.URL,
    numbers: Sequence[Address],
    body: bytes,
    headers: Mapping[str, str],
) -> int:
    # Without trust_env=False a proxy from the environment would do the connecting, to a
    # name that nobody has checked.
    async with httpx.AsyncClient(
        timeout=TIMEOUT, trust_env=False, follow_redirects=False, verify=_certificates()
    ) as client:
        for number in numbers:
            try:
                return await _send(client, target, number, body, headers)
            except httpx.ConnectError:
                continue
            except httpx.TimeoutException as error:
                raise NotSent("no answer in time") from error
            except httpx.TransportError as error:
                raise NotSent("the connection broke") from error
    raise NotSent("no connection (refused, or its certificate does not fit)")


async def _send(
    client: httpx.AsyncClient,
    target: httpx.URL,
    number: Address,
    body: bytes,
    headers: Mapping[str, str],
) -> int:
    request = client.build_request(
        "POST",
        target.copy_with(host=str(number), fragment=None),
        content=body,
        headers={
            **headers,
            "Host": target.netloc.decode("ascii"),
            "User-Agent": "durableweb-webhook",
            "Connection": "close",
        },
        # The certificate is checked against the name, not against the number.
        extensions={"sni_hostname": target.host},
    )
    response = await client.send(request, stream=True)
    await response.aclose()
    return response.status_code


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)
