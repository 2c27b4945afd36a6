"""Parts of a user interface as state, for clients that draw them."""

from workflows.engine.graph.ui import (
    AnyUIMessage,
    RemoveUIMessage,
    UIMessage,
    delete_ui_message,
    push_ui_message,
    ui_message_reducer,
)

__all__ = [
    "AnyUIMessage",
    "RemoveUIMessage",
    "UIMessage",
    "delete_ui_message",
    "push_ui_message",
    "ui_message_reducer",
]
