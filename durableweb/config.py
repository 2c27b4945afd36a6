"""What a node may ask of its surroundings."""

from workflows.engine.config import RunnableConfig
from workflows.engine.runtime import get_config, get_store, get_stream_writer

__all__ = ["RunnableConfig", "get_config", "get_store", "get_stream_writer"]
