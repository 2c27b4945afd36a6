"""Reserved names."""

START = "__start__"
"""Where a graph begins: the source of its first edges."""
END = "__end__"
"""Where a path ends; reaching it does not stop the others."""
TAG_HIDDEN = "langsmith:hidden"
"""A tag that tracers outside read; the engine does not."""
OF_SEQUENCES = "seq:step"  # tags that langchain-core gives the parts of a sequence
TAG_NOSTREAM = "nostream"
"""A tag for a model call whose tokens shall not be streamed."""

ROOT = "__root__"  # the one channel of a state that is a bare value (R2.19)

# Names that stand in the place of a channel in a task's saved writes.
INTERRUPT = "__interrupt__"
RESUME = "__resume__"
ERROR = "__error__"
RETURN = "__return__"
NO_WRITES = "__no_writes__"
GOTO = "__goto__"  # value: one due item, see engine/checkpoint/base.py
CALL = "__call__"  # value: [parent task id, name, how-many-th, position, args digest],
# and True where the call failed and the body went on (R4.16)
RUNS = "__runs__"  # value: how often the task has been run, where more than once
OVERWRITE = "__overwrite__"
PREVIOUS = "__previous__"
INPUT = "__input__"
COPY = "__copy__"
ATTRIBUTES = "__attributes__"  # value: what the task has set of its thread (RB.11)
HANDLED = "__handled__"  # among the writes of a task whose error handler ran
UNDO = "__undo__"  # a call that undoes what was done; the key that holds those of a
# thread, and the node that carries them out (RB.8)
FORKED = "__forked__"  # value: where the record of a body ends, see loop/forking.py

RESERVED_WRITES = frozenset(
    {
        INTERRUPT,
        RESUME,
        ERROR,
        RETURN,
        NO_WRITES,
        GOTO,
        CALL,
        RUNS,
        ATTRIBUTES,
        UNDO,
        FORKED,
    }
)

HANDLER_OF = "__error_handler__"  # begins the name of a handler, before its node's

NS_SEP = "|"
NS_END = ":"
DEFAULT_RECURSION_LIMIT = 10_007

OF_SAVER = "__durableweb_of_saver__"
"""A mark on an error that a saver has raised, by which it is known where it comes out of a node, too."""
