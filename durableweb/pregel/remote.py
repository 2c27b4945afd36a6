"""Graphs on a server elsewhere are not here."""

from workflows.engine.absent import absent

__getattr__ = absent(
    __name__,
    "graphs run in the process that calls them, or in the workers of the "
    "dashboard (`manage.py worker`); register() the graph and start runs there",
    "RemoteException",
    "RemoteGraph",
)
