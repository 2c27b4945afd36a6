"""Section 1: the classes of a graph as JSON Schema, for whoever draws a form."""

import operator
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Literal

from tests.conformance.corpus import program


@dataclass
class Record:
    a: int
    b: str = "default"
    log: Annotated[list, operator.add] = field(default_factory=list)


class Speed(Enum):
    SLOW = "slow"
    FAST = "fast"


@dataclass
class Order:
    title: str
    speed: Speed = Speed.SLOW
    size: Literal["s", "m", "l"] = "m"
    first: Record = field(default_factory=lambda: Record(1))
    spare: Record | None = None
    words: list[str] = field(default_factory=lambda: ["a", "b"])
    marks: set[str] = field(default_factory=set)
    count: Annotated[int, operator.add] = 0


@dataclass
class Late:
    title: str = "none"
    count: int = 0


@program("R1.47")
def json_schemas_of_dataclass_states(api, run):
    def shown(schema):
        """What a form is made of: defaults, choices, what must be there."""
        keys = {
            name: [key.get("default", "no default"), key.get("enum")]
            for name, key in schema["properties"].items()
        }
        below = schema.get("$defs", {})
        choices = {name: part["enum"] for name, part in below.items() if "enum" in part}
        must = {name: part.get("required", "no list") for name, part in below.items()}
        return [keys, schema.get("required", "no list"), choices, must]

    built = api.StateGraph(Order, output_schema=Late, context_schema=Late)
    built.add_node("n", lambda state: {}).add_edge(api.START, "n")
    g = built.compile()
    return [
        shown(g.get_input_jsonschema()),
        shown(g.get_output_jsonschema()),
        shown(g.get_context_jsonschema()),
    ]
