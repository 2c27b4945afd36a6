"""Serializers: see `checkpoint.serde`."""

from workflows.engine.absent import absent

__getattr__ = absent(
    __name__,
    "values are kept as tagged JSON, without pickle; leave serde= out, and "
    "name your own classes with durableweb.checkpoint.serde.register_type",
    "JsonPlusSerializer",
)
