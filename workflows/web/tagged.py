"""Values that JSON cannot say, on their way through a form.

A page shows a date or an object of the author as `{"$t": tag, "v": ...}`. Such a node that
comes back as it went out is the value it was; one that somebody typed stays plain data, so
nobody can have a type built by writing its tag.
"""

from typing import Any

from workflows.engine import serde
from workflows.web import strict_json


def restore(value: Any, shown: Any) -> Any:
    """`value` with every untouched tagged node of `shown` as the value it stands for."""
    if isinstance(shown, dict) and "$t" in shown:
        return serde.loads(strict_json.dump(shown)) if value == shown else value
    if isinstance(value, dict) and isinstance(shown, dict):
        return {key: restore(item, shown.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(shown, list):
        return [
            restore(item, shown[at] if at < len(shown) else None)
            for at, item in enumerate(value)
        ]
    return value
