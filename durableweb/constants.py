"""Names with a meaning of their own."""

from workflows.engine.constants import END, START, TAG_HIDDEN, TAG_NOSTREAM
from workflows.engine.spellings import moved

__all__ = ["END", "START", "TAG_HIDDEN", "TAG_NOSTREAM"]

__getattr__ = moved(__name__, "durableweb.types", "Interrupt", "Send")
