"""`create_react_agent`: what it takes beside what the conformance programs show, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.prebuilt import InjectedState, create_react_agent
from durableweb.prebuilt.chat_agent_executor import AgentState, AgentStatePydantic
from tests.conformance.programs.scripted import Scripted, add, calls, shout

pytestmark = pytest.mark.rule("E.prebuilt")
ASK: Any = {"messages": [("user", "hi")]}
ADD = ("add", {"a": 1, "b": 2}, "c1")


def script(*replies: AIMessage) -> Scripted:
    said = replies or (calls(ADD), AIMessage("done"))
    return Scripted(replies=list(said), given=[], options=[])


def texts(out: Any) -> list[str]:
    return [each.content for each in out["messages"]]


def same(given: Any) -> Any:
    return given


# models


def test_what_was_bound_to_a_model_stays_bound():
    model = script()

    create_react_agent(model.bind(temperature=0), [add]).invoke(ASK)

    assert model.options == [["add", "temperature"]] * 2


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda model: RunnableLambda(same) | model,
        lambda model: RunnableLambda(same) | model.bind(temperature=0),
        lambda model: model.with_retry(),
        lambda model: (RunnableLambda(same) | model).with_config(tags=["a"]),
    ],
)
def test_tools_are_bound_to_the_model_at_the_end_of_a_runnable(wrapped):
    model = script()

    out = create_react_agent(wrapped(model), [add]).invoke(ASK)

    assert texts(out) == ["hi", "", "3", "done"]
    assert [names[0] for names in model.options] == ["add", "add"]


def test_a_model_that_has_the_tools_may_be_tried_again():
    model = script()

    out = create_react_agent(model.bind_tools([add]).with_retry(), [add]).invoke(ASK)

    assert texts(out)[-1] == "done"
    assert model.options == [["add"], ["add"]]


def test_an_answer_in_a_form_is_asked_of_a_model_inside_a_runnable():
    class Form(BaseModel):
        count: int

    model = RunnableLambda(same) | script(AIMessage("done")).with_retry()

    out = create_react_agent(model, [], response_format=Form).invoke(ASK)

    assert out["structured_response"] == Form(count=2)


def test_the_message_of_a_model_is_not_changed():
    kept = AIMessage("done", name="its own")

    class Same(Scripted):
        def _generate(self, *args: Any, **options: Any) -> Any:
            found = super()._generate(*args, **options)
            found.generations[0].message = kept
            return found

    agent = create_react_agent(Same(replies=[kept]), [], name="ann")

    assert agent.invoke(ASK)["messages"][-1].name == "ann"
    assert kept.name == "its own"


def test_a_name_is_looked_up_by_langchain(monkeypatch):
    asked = []

    def init_chat_model(name: str) -> Any:
        asked.append(name)
        return script()

    there: Any = ModuleType("langchain.chat_models")
    there.init_chat_model = init_chat_model
    monkeypatch.setitem(sys.modules, "langchain", ModuleType("langchain"))
    monkeypatch.setitem(sys.modules, "langchain.chat_models", there)

    out = create_react_agent("openai:gpt-x", [add]).invoke(ASK)

    assert asked == ["openai:gpt-x"]
    assert texts(out)[-1] == "done"


def test_a_name_without_langchain_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "langchain", None)

    with pytest.raises(ImportError, match=r"'openai:gpt-x'.*pip install langchain"):
        create_react_agent("openai:gpt-x", [add])


def test_an_object_that_can_be_called_chooses_the_model():
    class Choice:
        def __call__(self, state: Any, runtime: Any) -> Any:
            return model.bind_tools([add])

        def invoke(self, *args: Any) -> Any:
            raise AssertionError("it is no runnable")

    model = script()
    choice: Any = Choice()

    out = create_react_agent(choice, [add]).invoke(ASK)

    assert texts(out)[-1] == "done"


@pytest.mark.parametrize("chosen", [None, "openai:gpt-x", 5])
def test_a_function_that_chooses_no_model_is_refused(chosen):
    agent = create_react_agent(lambda state, runtime: chosen, [add])

    with pytest.raises(TypeError, match=f"the result is {chosen!r}; give a chat model"):
        agent.invoke(ASK)


def test_a_model_whose_words_are_parsed_is_refused():
    agent = create_react_agent(script(AIMessage("done")) | StrOutputParser(), [])

    with pytest.raises(TypeError, match=r"gave \w+ \(done\), which is no message"):
        agent.invoke(ASK)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": 5}, "model is 5; give a chat model"),
        ({"model": RunnableLambda(same)}, "a model to which tools can be bound"),
        ({"tools": "add"}, "tools is 'add'; give a list of tools"),
        ({"prompt": lambda state, other: []}, "prompt: parameter 'other'"),
        ({"state_schema": {"messages": []}}, "state_schema is .* give a class"),
        ({"modle": 1}, "unexpected keyword argument 'modle'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(options, said):
    given: Any = {"model": script(), "tools": [add], **options}

    with pytest.raises(TypeError, match=said):
        create_react_agent(**given)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"version": "v3"}, "version is 'v3'; give 'v1' or 'v2'"),
        ({"prompt": 5}, "prompt is 5; give a text"),
        (
            {"model": script().bind_tools([add, shout])},
            "the model has 2 tools bound to it, the agent 1",
        ),
        ({"model": script().bind_tools([shout])}, "bound to it, but not add"),
        (
            {"state_schema": AgentState, "response_format": {"title": "form"}},
            "AgentState lacks structured_response",
        ),
    ],
)
def test_what_is_out_of_range_is_refused_in_words(options, said):
    given: Any = {"model": script(), "tools": [add], **options}

    with pytest.raises(ValueError, match=said):
        create_react_agent(**given)


# conversations, hooks and states


def test_calls_without_an_answer_are_told_by_name():
    asked = calls(*[("add", {"a": 1, "b": 2}, f"c{n}") for n in range(5)])
    answer = ToolMessage("3", tool_call_id="c0")
    agent = create_react_agent(script(), [add])

    with pytest.raises(ValueError, match=r"\(id 'c3'\) and 1 more.* ToolMessage"):
        agent.invoke({"messages": [HumanMessage("hi"), asked, answer]})


def test_a_hook_after_the_model_runs_in_both_versions():
    agents = [
        create_react_agent(
            script(), [add], post_model_hook=lambda state: None, version=version
        )
        for version in ("v1", "v2")
    ]

    assert [texts(agent.invoke(ASK)) for agent in agents] == [
        ["hi", "", "3", "done"],
        ["hi", "", "3", "done"],
    ]


def test_a_hook_may_change_the_conversation_of_a_state_that_is_a_model():
    class State(AgentStatePydantic):
        topic: str = "sums"

    def hook(state: State) -> Any:
        return {"messages": [HumanMessage(state.topic)]}

    model = script(AIMessage("done"))
    agent = create_react_agent(model, [add], pre_model_hook=hook, state_schema=State)

    assert texts(agent.invoke(ASK)) == ["hi", "sums", "done"]
    assert model.given == [[["human", "hi"], ["human", "sums"]]]


def test_a_prompt_that_is_a_coroutine_function_says_how_to_run_it():
    async def prompt(state: Any) -> Any:
        return state["messages"]

    awaited: Any = prompt
    agent = create_react_agent(script(), [add], prompt=awaited)

    with pytest.raises(TypeError, match="prompt of this agent is a coroutine function"):
        agent.invoke(ASK)


def test_the_node_of_an_agent_does_not_change_the_state_that_it_is_given():
    agent = create_react_agent(
        script(AIMessage("done")),
        [add],
        pre_model_hook=lambda state: {"llm_input_messages": [HumanMessage("short")]},
    )

    out = agent.invoke(ASK, {"configurable": {"strict_state": True}})

    assert texts(out) == ["hi", "done"]


def test_the_former_name_of_the_context_is_taken_with_a_warning():
    with pytest.warns(DeprecationWarning, match="write context_schema="):
        agent = create_react_agent(script(), [add], config_schema=dict)

    assert agent.context_schema is dict


def test_a_state_may_annotate_a_function_that_becomes_a_tool():
    """pydantic reads the annotation, and refuses other TypedDicts before Python 3.12."""

    def count(state: Annotated[AgentState, InjectedState]) -> str:
        """Count."""
        return str(len(state["messages"]))

    model = script(calls(("count", {}, "c1")), AIMessage("done"))

    assert texts(create_react_agent(model, [count]).invoke(ASK))[-2:] == ["2", "done"]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("schema", [AgentState, AgentStatePydantic])
def test_a_tool_sees_the_state_in_its_class(schema, version):
    seen = []

    def look(state: Annotated[Any, InjectedState]) -> str:
        """Look."""
        seen.append(state)
        return "looked"

    model = script(calls(("look", {}, "c1")), AIMessage("done"))
    agent = create_react_agent(model, [look], state_schema=schema, version=version)

    agent.invoke(ASK, {"recursion_limit": 10})

    [state] = seen
    values = state if isinstance(state, dict) else dict(state)
    assert type(state) is (dict if schema is AgentState else AgentStatePydantic)
    assert [m.type for m in values["messages"]] == ["human", "ai"]
    assert sorted(values) == ["messages", "remaining_steps"]


def test_a_call_of_a_tool_does_not_save_the_conversation_again():
    model = script(
        *[calls(("shout", {"text": "a"}, f"c{n}"), text="x" * 1000) for n in range(20)],
        AIMessage("done"),
    )
    saver = InMemorySaver()
    agent = create_react_agent(model, [shout], checkpointer=saver)
    config: Any = {"configurable": {"thread_id": "t"}, "recursion_limit": 100}

    agent.invoke(ASK, config)

    due = [repr(each.checkpoint.get("due")) for each in saver.list(config)]
    assert any("shout" in each for each in due)
    assert max(map(len, due)) < 1000


def test_an_agent_to_be_debugged_prints_what_it_does(capsys):
    create_react_agent(script(), [add], debug=True).invoke(ASK)

    printed = capsys.readouterr().out
    assert all(name in printed for name in ("agent", "tools", "done"))


# without the package


WITHOUT = """
import sys
sys.modules["langchain_core"] = None
import durableweb.prebuilt
import durableweb.prebuilt.chat_agent_executor as executor
try:
    from durableweb.prebuilt import create_react_agent
except ImportError as error:
    print(error)
try:
    executor.AgentState
except ImportError as error:
    print(error)
"""


def test_without_langchain_core_it_says_what_to_install():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert ["create_react_agent" in said[0], "AgentState" in said[1]] == [True, True]
    assert all("pip install langchain-core" in each for each in said)


def test_it_is_loaded_when_somebody_asks_for_it():
    program = (
        "import sys, durableweb.prebuilt; print('langchain_core' in sys.modules); "
        "from durableweb.prebuilt import create_react_agent; "
        "print('langchain_core' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "True"]


def test_what_a_program_imports_of_the_executor_is_there():
    import durableweb.prebuilt.chat_agent_executor as executor

    assert all(getattr(executor, name) is not None for name in executor.__all__)
    assert executor.create_tool_calling_executor is executor.create_react_agent
    assert executor.create_react_agent is create_react_agent
