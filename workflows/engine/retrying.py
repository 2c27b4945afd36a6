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
    if isinstance(status, int) and type(error).__name__ in (
        "HTTPError",
        "HTTPStatusError",
    ):
        return 500 <= status < 600
    return not isinstance(error, _HOPELESS)
