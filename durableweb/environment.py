"""Reading the environment: a value is what it says it is, or it is refused with its name."""

from __future__ import annotations

import math
import warnings
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured as Refused

from workflows.rate import read_rate

TRUE = frozenset({"1", "true", "on", "yes", "y", "ok"})
FALSE = frozenset({"0", "false", "off", "no", "n"})
# Ten years, for what is added to a moment or taken from it.
MOST_DAYS = 3650
MOST_SECONDS = MOST_DAYS * 24 * 3600


class Environment(environ.Env):
    """Numbers, switches and addresses of the environment; one left empty was not given.

    An address may hold a password, so it is never repeated.
    """

    def int(
        self,
        var: str,
        default: Any = environ.Env.NOTSET,
        *,
        least: int = 0,
        most: int | None = None,
    ) -> int:
        """A whole number from `least` to `most`."""
        text = self._given(var)
        if not text:
            return int(default)
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise _refusal(var, text, f"a whole number, {_range(least, most)}")
        return value

    def float(
        self,
        var: str,
        default: Any = environ.Env.NOTSET,
        *,
        least: float = 0,
        most: float = MOST_DAYS,
    ) -> float:
        """A number from `least` to `most`."""
        text = self._given(var)
        if not text:
            return float(default)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise _refusal(var, text, f"a number, {_range(least, most)}")
        return value

    def bool(self, var: str, default: Any = environ.Env.NOTSET) -> bool:
        """Whether it is on."""
        text = self._given(var).lower()
        if not text:
            return bool(default)
        if text not in TRUE | FALSE:
            raise _refusal(var, text, "1 (or true, on, yes) or 0 (or false, off, no)")
        return text in TRUE

    def rate(self, var: str, default: str) -> str:
        """How often something may be done, such as 600/m; empty for no limit."""
        text = str(self.str(var, default=default)).strip()
        try:
            read_rate(text)
        except ValueError as error:
            raise _refusal(var, text, str(error)) from None
        return text

    def database(self, var: str, default: str) -> dict[str, Any]:
        """How Django reaches the database of an address; one left empty is no database."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                config: dict[str, Any] = self.db(var, default=default)
        except (ValueError, Refused):
            config = {}
        # A scheme that nobody knows is left as it stands.
        if "." not in config.get("ENGINE", ""):
            raise Refused(
                f"{var} is not the address of a database: give "
                "postgres://user:password@host:5432/name or sqlite:///path, with what is not a "
                "letter or number of a password written as %XX"
            )
        return config

    def mail(self, var: str, default: str) -> dict[str, Any]:
        """Django's settings for mail that goes by an address."""
        try:
            config: dict[str, Any] = self.email_url_config(self._given(var) or default)
        except (ValueError, Refused):
            raise Refused(
                f"{var} is not the address of a mail server: give "
                "smtp+tls://user:password@mail.example.org:587, or leave it out"
            ) from None
        return config

    def _given(self, var: str) -> str:
        return str(self.str(var, default="")).strip()


def _range(least: float, most: float | None) -> str:
    return f"{least:g} or more" if most is None else f"from {least:g} to {most:,}"


def _refusal(var: str, text: str, allowed: str) -> Refused:
    return Refused(f"{var} is {text!r}; it has to be {allowed}")
