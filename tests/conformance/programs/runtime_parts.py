"""What a runtime says of its run and of the server around it, made by hand too (R1.6)."""

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph


class User:
    identity = "ada"


@program("R1.6")
def what_a_server_says_of_itself(api, run):
    seen = []

    def node(state, runtime):
        info = runtime.server_info
        user = info and info.user and info.user.identity
        seen.append(info and [info.assistant_id, info.graph_id, user])
        return {}

    below = graph(api, (api.START, "n"), n=node).compile()
    g = graph(api, (api.START, "n"), ("n", "below"), n=node, below=below)
    g = g.compile(checkpointer=run.saver)
    for number, asked in enumerate(
        [
            {},
            {"assistant_id": "a", "graph_id": "g"},
            {"graph_id": 5},
            {"langgraph_auth_user": User()},
            {"langgraph_auth_user": {"identity": "a dict"}},
        ]
    ):
        run.invoke(g, {"log": []}, run.config(str(number), **asked))
    return seen


@program("R1.6")
def a_runtime_made_by_hand(api, run):
    info = api.ExecutionInfo(checkpoint_id="c", checkpoint_ns="ns", task_id="t")
    server = api.ServerInfo(assistant_id="a", graph_id="g")
    made = api.Runtime(execution_info=info, server_info=server, context={"k": 1})
    other = info.patch(thread_id="th", node_attempt=3)
    seen = [
        [info.thread_id, info.run_id, info.node_attempt, info.node_first_attempt_time],
        [other.thread_id, other.node_attempt, other.task_id],
        made.patch_execution_info(task_id="u").execution_info.task_id,
        run.attempt(lambda: api.Runtime().patch_execution_info(task_id="u")),
        api.Runtime().server_info,
        made.merge(api.Runtime()).server_info is server,
        api.Runtime().merge(made).server_info is server,
        server.user,
    ]
    for each, name in [(info, "thread_id"), (server, "graph_id"), (made, "context")]:
        seen.append(isinstance(refused(setattr, each, name, 1), AttributeError))
    return seen


def refused(call, *args):
    try:
        call(*args)
    except Exception as error:  # noqa: BLE001
        return error
    return None
