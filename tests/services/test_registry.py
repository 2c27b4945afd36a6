"""Workflows are found in every app, and a broken module stops none of the others."""

import sys
import types

import pytest
from django.apps import apps

from workflows import checks
from workflows.engine.channels import LastValue
from workflows.engine.graph.state import StateGraph
from workflows.engine.node_builder import NodeBuilder
from workflows.engine.pregel import Pregel
from workflows.services import registry


@pytest.fixture
def two_apps(tmp_path, monkeypatch):
    """Two installed apps: one broken half way through, one sound."""
    for name, code in {
        "broken_app": "register(object(), name='half')\nraise RuntimeError('no key')",
        "sound_app": "register(object(), name='sound')",
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        head = "from durableweb.register import register\n"
        (folder / "workflows.py").write_text(head + code)
    monkeypatch.syspath_prepend(str(tmp_path))
    configs = [
        types.SimpleNamespace(name=name, module=__import__(name))
        for name in ("broken_app", "sound_app")
    ]
    monkeypatch.setattr(apps, "get_app_configs", lambda: configs)
    monkeypatch.setattr(registry, "failures", {})
    yield
    for name in ("broken_app", "sound_app"):
        sys.modules.pop(f"{name}.workflows", None)
        sys.modules.pop(name, None)


def test_a_broken_module_is_named_and_the_others_load(two_apps):
    registry.autodiscover()

    assert registry.find("sound") is not None
    assert registry.find("half") is None
    assert "no key" in registry.failures["broken_app.workflows"]
    [message] = [m for m in checks.check_workflows() if m.id == "workflows.W001"]
    assert "broken_app.workflows" in message.msg
    assert "no key" in message.msg


def test_a_name_belongs_to_one_graph():
    graph = object()
    registry.register(graph, name="one")
    registry.register(graph, name="one", title="One again")

    with pytest.raises(ValueError, match="taken"):
        registry.register(object(), name="one")
    assert registry.get("one").title == "One again"


def test_a_workflow_needs_a_name():
    with pytest.raises(ValueError, match="name of its own"):
        registry.register(object())


def test_channels_are_given_as_a_list():
    with pytest.raises(TypeError):
        registry.register(object(), name="x", editable="text")


@pytest.mark.parametrize(
    ("name", "error"), [("x" * 201, ValueError), ("a\nb", ValueError), (7, TypeError)]
)
def test_a_name_that_no_row_can_hold_is_refused(name, error):
    with pytest.raises(
        error, match=r"register\(\): name is .*; give a text of 1 to 200"
    ):
        registry.register(object(), name=name)


def test_a_graph_of_subscriptions_is_not_edited_by_key():
    graph = Pregel(
        nodes={"n": NodeBuilder().subscribe_only("a").write_to("b")},
        channels={"a": LastValue(str), "b": LastValue(str)},
        input_channels="a",
        output_channels="b",
        name="by_channels",
    )

    with pytest.raises(ValueError, match="leave editable out, or make a StateGraph"):
        registry.register(graph, editable=["a"])

    assert registry.find("by_channels") is None


def test_an_unknown_name_says_what_to_do():
    with pytest.raises(registry.UnknownGraphError, match=r"workflows\.py"):
        registry.get("nothing")


def test_a_graph_with_its_own_saver_is_warned_about():
    graph = types.SimpleNamespace(checkpointer=object())
    registry.register(graph, name="own_saver")

    assert "workflows.W002" in {m.id for m in checks.check_workflows()}


def test_a_graph_that_is_not_compiled_is_refused_with_what_to_write():
    with pytest.raises(TypeError, match=r"register\(graph\.compile\(\), name='x'\)"):
        registry.register(StateGraph(dict), name="x")
    assert registry.find("x") is None


def test_a_plain_function_is_refused_with_what_to_write():
    def letter(state):
        return state

    with pytest.raises(
        TypeError, match=r"letter\(\) is a plain function: put @entrypoint"
    ):
        registry.register(letter, name="x")
    assert registry.find("x") is None
