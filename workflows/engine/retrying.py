"""Which errors are worth another attempt when a policy does not say (R1.34)."""

from __future__ import annotations

_HOPELESS = (
    ValueError,
    TypeError,
    ArithmeticError,
    ImportError,
    LookupError,
    NameError,
    SyntaxError,
    RuntimeError,
    ReferenceError,
    StopIteration,
    StopAsyncIteration,
    OSError,
)


def retry_by_default(error: BaseException) -> bool:
    """Say whether `error` may go away by itself.

    Errors of the program are not retried, lost connections are; an HTTP status error of
    requests or httpx only from 500 on.
    """
    if isinstance(error, ConnectionError):
        return True
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if isinstance(status, int) and _is_of_http(type(error)):
        return 500 <= status < 600
    return not isinstance(error, _HOPELESS)


def _is_of_http(kind: type) -> bool:
    """Whether it is a status error of one of the two libraries, or one derived from it."""
    return any(
        each.__name__ in ("HTTPError", "HTTPStatusError") for each in kind.__mro__
    )
