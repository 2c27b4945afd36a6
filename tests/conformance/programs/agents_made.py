"""What `create_react_agent` is made of: its model, prompt, hooks, answers in a form, and states of a program's own."""

import operator
from dataclasses import dataclass
from typing import Annotated

from langchain_core.messages import (
    AIMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from pydantic import BaseModel

from tests.conformance.corpus import program
from tests.conformance.programs.agents import (
    ADD,
    ASK,
    FINAL,
    SHOUT,
    Form,
    do_nothing,
    model,
    said,
)
from tests.conformance.programs.scripted import (
    add,
    calls,
    final,
    shout,
    shown,
)

# the model


@program("E.prebuilt")
def a_model_may_have_the_tools_already(api, run):
    bound = [
        lambda script: script.bind_tools([add]),
        lambda script: RunnableLambda(lambda given: given) | script.bind_tools([add]),
        lambda script: script.bind(other=1).bind_tools([add]),
        lambda script: script.with_fallbacks([model(AIMessage("instead"))]),
    ]
    found = []
    for each in bound:
        script = model(calls(ADD), AIMessage("done"))
        agent = api.create_react_agent(each(script), [add])
        found.append([said(run, agent), script.options])
    return found


@program("E.prebuilt")
def tools_of_the_provider_are_bound_and_not_run(api, run):
    found = []
    web = {"type": "web_search"}
    for tools in ([web], [add, web]):
        script = model(AIMessage("done"))
        agent = api.create_react_agent(script, tools)
        found.append([said(run, agent), script.options, list(agent.get_graph().nodes)])
    bound = model(AIMessage("done")).bind_tools([add, web])
    return [found, said(run, api.create_react_agent(bound, [add, web]))]


@dataclass
class Wish:
    loud: bool = False


@program("E.prebuilt")
def a_function_chooses_the_model(api, run):
    quiet, loud = model(calls(ADD), AIMessage("done")), model(AIMessage("DONE"))
    seen = []

    def choose(state, runtime):
        seen.append([sorted(state), shown(state["messages"])])
        chosen = loud if runtime.context.loud else quiet
        return chosen.bind_tools([add])

    agent = api.create_react_agent(choose, [add], prompt="be", context_schema=Wish)
    found = [said(run, agent, context=Wish(loud)) for loud in (False, True)]
    return [found, quiet.given, loud.given, seen]


@program("E.prebuilt", only="async")
def a_coroutine_function_chooses_the_model(api, run):
    script = model(calls(ADD), AIMessage("done"))

    async def choose(state, runtime):
        return script.bind_tools([add])

    class Form(BaseModel):
        count: int

    agent = api.create_react_agent(choose, [add], response_format=Form)
    refused = run.attempt(agent.invoke, ASK)
    return [said(run, agent), script.given, refused]


# what the model is given


@program("E.prebuilt")
def a_prompt_is_put_before_the_conversation(api, run):
    def prompt(state):
        return [SystemMessage(f"{len(state['messages'])} so far"), *state["messages"]]

    def with_config(state, config):
        return [SystemMessage(config["configurable"]["who"]), *state["messages"]]

    def with_store(state, *, store):
        return [SystemMessage(str(store)), *state["messages"]]

    def joined(state):
        return SystemMessage("joined") + state["messages"]

    template = ChatPromptTemplate.from_messages(
        [("system", "of a template"), ("placeholder", "{messages}")]
    )
    found = []
    kinds = (None, "text", SystemMessage("message"), prompt, with_config, with_store)
    for each in (*kinds, joined, template, RunnableLambda(prompt)):
        script = model(calls(ADD), AIMessage("done"))
        agent = api.create_react_agent(script, [add], prompt=each)
        run.invoke(agent, ASK, {"configurable": {"who": "ann"}})
        found.append(script.given)
    return found


@program("E.prebuilt", only="async")
def a_prompt_may_be_a_coroutine_function(api, run):
    async def prompt(state):
        return [SystemMessage("awaited"), *state["messages"]]

    async def joined(state):
        return SystemMessage("joined") + state["messages"]

    found = []
    for each in (prompt, joined):
        script = model(AIMessage("done"))
        agent = api.create_react_agent(script, [add], prompt=each)
        refused = run.attempt(agent.invoke, ASK)
        found.append([said(run, agent), script.given, refused])
    return found


@program("E.prebuilt")
def a_hook_before_the_model_says_what_it_reads(api, run):
    def last_only(state):
        return {"llm_input_messages": state["messages"][-1:]}

    def shorter(state):
        kept = state["messages"][-2:]
        return {"messages": [RemoveMessage(id="__remove_all__"), *kept]}

    def nothing(state):
        return {}

    found = []
    for hook in (last_only, shorter, nothing, RunnableLambda(shorter)):
        script = model(AIMessage("done"))
        agent = api.create_react_agent(
            script, [add], pre_model_hook=hook, prompt="be", checkpointer=run.saver
        )
        given = {"messages": [("user", text) for text in "abc"]}
        config = run.config(f"t{len(found)}")
        parts = run.stream(agent, given, config, stream_mode="updates")
        kept = sorted(run.get_state(agent, config).values)
        text = said(run, agent, config=config)
        found.append([script.given, [list(part) for part in parts], kept, text])
    return found


@program("E.prebuilt")
def a_hook_after_the_model_may_answer_its_calls(api, run):
    def answer(state):
        calls = getattr(state["messages"][-1], "tool_calls", ())
        found = [c for c in calls if c["name"] == "add"]
        return {"messages": [ToolMessage("no", tool_call_id=c["id"]) for c in found]}

    wanted = [(ADD,), (SHOUT,), (ADD, SHOUT), ()]
    return [
        said(
            run,
            api.create_react_agent(
                model(calls(*each) if each else AIMessage("so"), AIMessage("done")),
                [add, shout],
                post_model_hook=answer,
            ),
        )
        for each in wanted
    ]


@program("E.prebuilt")
def a_hook_after_a_model_without_tools_runs_once(api, run):
    agent = api.create_react_agent(
        model(AIMessage("done")), [], post_model_hook=do_nothing
    )
    return run.stream(agent, ASK, stream_mode="updates")


# answers in a form


@program("E.prebuilt")
def an_answer_in_a_form_is_asked_for_at_the_end(api, run):
    found = []
    for form in (Form, ("count them", Form), {"title": "form", "type": "object"}):
        for hook in (None, do_nothing):
            script = model(calls(ADD), AIMessage("done"))
            agent = api.create_react_agent(
                script, [add], response_format=form, post_model_hook=hook, prompt="be"
            )
            out = run.invoke(agent, ASK)
            answer = out["structured_response"]
            if not isinstance(answer, dict):
                answer = [type(answer).__name__, answer.count]
            found.append([answer, script.given, shown(out["messages"])])
    return found


@program("E.prebuilt")
def a_direct_tool_leaves_no_answer_in_a_form(api, run):
    script = model(calls(FINAL), AIMessage("done"))
    agent = api.create_react_agent(script, [final], response_format=Form)
    return sorted(run.invoke(agent, ASK))


@program("E.prebuilt")
def the_answer_in_a_form_is_kept(api, run):
    script = model(AIMessage("done"))
    agent = api.create_react_agent(
        script, [add], response_format=Form, checkpointer=run.saver
    )
    run.invoke(agent, ASK, run.config())
    found = run.get_state(agent, run.config()).values["structured_response"]
    return [isinstance(found, Form), found.count]


# states of a program's own


@program("E.prebuilt", "R2.19")
def a_state_may_have_more_keys(api, run):
    class State(api.AgentState):
        notes: Annotated[list, operator.add]

    def note(state):
        return {"notes": [len(state["messages"])]}

    def prompt(state):
        return [SystemMessage(str(state["notes"])), *state["messages"]]

    script = model(calls(ADD), AIMessage("done"))
    agent = api.create_react_agent(
        script,
        [add],
        state_schema=State,
        prompt=prompt,
        pre_model_hook=note,
        checkpointer=run.saver,
    )
    out = run.invoke(agent, {**ASK, "notes": [0]}, run.config())
    return [out["notes"], shown(out["messages"]), script.given, sorted(out)]


@program("E.prebuilt", "R2.1")
def a_state_may_be_a_model(api, run):
    class State(api.AgentStatePydantic):
        topic: str = "sums"

    seen = []

    def prompt(state):
        seen.append([type(state).__name__, state.topic])
        return [SystemMessage(state.topic), *state.messages]

    found = []
    for version in ("v1", "v2"):
        script = model(calls(ADD, SHOUT), AIMessage("done"))
        agent = api.create_react_agent(
            script,
            [add, shout],
            state_schema=State,
            prompt=prompt,
            version=version,
            checkpointer=run.saver,
        )
        out = run.invoke(agent, {**ASK, "topic": "words"}, run.config(version))
        found.append([shown(out["messages"]), sorted(out), script.given])
    return [found, seen]


@program("E.prebuilt", "E.former")
def the_context_has_a_former_name(api, run):
    script = model(AIMessage("done"))

    def prompt(state, runtime):
        return [SystemMessage(str(runtime.context.loud)), *state["messages"]]

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agent = api.create_react_agent(script, [], prompt=prompt, config_schema=Wish)
    run.invoke(agent, ASK, context={"loud": True})
    return script.given
