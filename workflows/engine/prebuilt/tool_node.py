"""A node that runs the tools that a model has asked for; each call is on its own record.

When one of several tools asks a person, or the process dies between them, those that have
ended are not run again, and each question can be answered by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import Any, cast

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, Tool
from langchain_core.tools import tool as made_tool
from pydantic import ValidationError

from workflows.engine.drivers.threads import hop
from workflows.engine.errors import GraphInterrupt
from workflows.engine.foreign import introduce
from workflows.engine.func.part import start_part
from workflows.engine.kinds import check_callable, check_text
from workflows.engine.prebuilt.injected import ToolRuntime, Wanted, filled, wanted_by
from workflows.engine.prebuilt.tool_calls import Form, ToolCallRequest, Work, work_in
from workflows.engine.prebuilt.tool_errors import (
    Handling,
    checked,
    misfit,
    told_of_misfits,
    words_for,
)
from workflows.engine.prebuilt.tool_results import checked as checked_result
from workflows.engine.prebuilt.tool_results import together
from workflows.engine.response_schemas import is_refused
from workflows.engine.runtime import Runtime, TaskContext, current
from workflows.engine.types import Command

Result = ToolMessage | Command[Any] | list[ToolMessage | Command[Any]]
Wrapper = Callable[[ToolCallRequest, Callable[[ToolCallRequest], Result]], Result]
AsyncWrapper = Callable[
    [ToolCallRequest, Callable[[ToolCallRequest], Awaitable[Result]]], Awaitable[Result]
]


class ToolNode:
    """Runs the tools of the last AIMessage at the same time, and answers each call by a ToolMessage.

    `tools` are LangChain's or plain functions with a docstring. `handle_tool_errors` says which errors become
    an answer that the model reads, instead of ending the run: True all, a text or a function gives the words, an
    exception class or a tuple of them those; by default arguments that do not fit. `wrap_tool_call(request,
    execute)` stands around each call; `awrap_tool_call` is its twin for coroutines. Raises TypeError for what is
    no tool, ValueError for two tools of one name.
    """

    def __init__(
        self,
        tools: Sequence[BaseTool | Callable[..., Any]],
        *,
        name: str = "tools",
        tags: list[str] | None = None,
        handle_tool_errors: Handling = told_of_misfits,
        messages_key: str = "messages",
        wrap_tool_call: Wrapper | None = None,
        awrap_tool_call: AsyncWrapper | None = None,
    ) -> None:
        where = f"ToolNode {name!r}"
        check_text(name, "ToolNode", "name", "the node's name")
        check_text(messages_key, where, "messages_key", "a key of the state")
        for wrapper, what in (
            (wrap_tool_call, "wrap_tool_call"),
            (awrap_tool_call, "awrap_tool_call"),
        ):
            if wrapper is not None:
                check_callable(wrapper, where, what, "a function (request, execute)")
        introduce()
        self.name = name
        self.tags = tags
        self._errors = checked(handle_tool_errors, where)
        self._key = messages_key
        self._wrapper = wrap_tool_call
        self._async_wrapper = awrap_tool_call
        self._tools: dict[str, BaseTool] = {}
        for given in tools:
            tool = given if isinstance(given, BaseTool) else made_tool(given)
            if tool.name in self._tools:
                raise ValueError(f"{where} has two tools of the name {tool.name!r}")
            self._tools[tool.name] = tool
        self._wanted = {name: wanted_by(tool) for name, tool in self._tools.items()}

    @property
    def tools_by_name(self) -> dict[str, BaseTool]:
        """The tools, as LangChain's."""
        return self._tools

    def get_name(self) -> str:
        """The name of the node where none other is given."""
        return self.name

    def invoke(self, input: Any, config: dict[str, Any] | None = None, **_: Any) -> Any:
        """Run the tools that the state, or the list of messages or calls, asks for; an update of the state."""
        work = work_in(input, self._key, self.name)
        requests = self._requests(work, config)
        context = current.get()
        if context is None:
            results = _side_by_side(partial(self._run, form=work.form), requests)
        else:
            parts = [self._part(context, each, work.form) for each in requests]
            results = _whole([_outcome(part) for part in parts])
        return together(results, work.form, self._key)

    async def ainvoke(
        self, input: Any, config: dict[str, Any] | None = None, **_: Any
    ) -> Any:
        """Async twin of `invoke`; tools that are coroutine functions run on the event loop."""
        work = work_in(input, self._key, self.name)
        requests = self._requests(work, config)
        context = current.get()
        if context is None:
            running = (self._arun(each, work.form) for each in requests)
            results = await asyncio.gather(*running)
        else:
            parts = [self._async_part(context, each, work.form) for each in requests]
            results = _whole([await _async_outcome(part) for part in parts])
        return together(results, work.form, self._key)

    def _requests(
        self, work: Work, config: dict[str, Any] | None
    ) -> list[ToolCallRequest]:
        context = current.get()
        runtime = Runtime() if context is None else context.runtime()
        if config is None:
            config = {} if context is None else context.config()
        return [
            ToolCallRequest(
                tool_call=call,
                tool=self._tools.get(call["name"]),
                state=work.state,
                runtime=ToolRuntime(
                    state=work.state,
                    context=runtime.context,
                    config=config,
                    stream_writer=runtime.stream_writer,
                    tool_call_id=call["id"],
                    store=runtime.store,
                    tools=[*self._tools.values()],
                    execution_info=runtime.execution_info,
                    server_info=runtime.server_info,
                ),
            )
            for call in work.calls
        ]

    def _part(self, context: TaskContext, request: ToolCallRequest, form: Form) -> Any:
        def run(call: Any) -> Any:
            return self._run(request, form)

        return start_part(context, self._name_of(request), run, request.tool_call)

    def _async_part(
        self, context: TaskContext, request: ToolCallRequest, form: Form
    ) -> Any:
        async def run(call: Any) -> Any:
            return await self._arun(request, form)

        return start_part(context, self._name_of(request), run, request.tool_call)

    def _name_of(self, request: ToolCallRequest) -> str:
        """The name on the record: a tool's, or the node's, since a model may make up any."""
        return self.name if request.tool is None else request.tool.name

    def _run(self, request: ToolCallRequest, form: Form) -> Any:
        if self._wrapper is None:
            return self._execute(request, form)
        try:
            return self._wrapper(request, partial(self._execute, form=form))
        except Exception as error:  # noqa: BLE001 - raised again unless it is to be told
            return self._told(error, request)

    async def _arun(self, request: ToolCallRequest, form: Form) -> Any:
        if self._async_wrapper is None:
            if self._wrapper is not None:
                return await hop(partial(self._run, request, form))
            return await self._aexecute(request, form)
        try:
            return await self._async_wrapper(
                request, partial(self._aexecute, form=form)
            )
        except Exception as error:  # noqa: BLE001 - raised again unless it is to be told
            return self._told(error, request)

    def _execute(self, request: ToolCallRequest, form: Form) -> Any:
        if request.tool is None:
            return self._unknown(request.tool_call)
        given = self._filled(request)
        try:
            result = request.tool.invoke(given, _as_theirs(request))
            return checked_result(result, request.tool_call, form, self._key)
        except Exception as error:  # noqa: BLE001 - raised again unless it is to be told
            return self._told(error, request)

    async def _aexecute(self, request: ToolCallRequest, form: Form) -> Any:
        if request.tool is None:
            return self._unknown(request.tool_call)
        given = self._filled(request)
        try:
            if _blocks(request.tool):
                work = partial(request.tool.invoke, given, _as_theirs(request))
                result = await hop(work)
            else:
                result = await request.tool.ainvoke(given, _as_theirs(request))
            return checked_result(result, request.tool_call, form, self._key)
        except Exception as error:  # noqa: BLE001 - raised again unless it is to be told
            return self._told(error, request)

    def _filled(self, request: ToolCallRequest) -> Any:
        """The call with what the graph gives to its tool, as LangChain's tools take it."""
        runtime, wanted = request.runtime, self._wanted_of(request)
        if request.state is not runtime.state:  # a wrapper gave another
            runtime = replace(runtime, state=request.state)
        return {
            **filled(request.tool_call, wanted, runtime, self._key),
            "type": "tool_call",
        }

    def _wanted_of(self, request: ToolCallRequest) -> Wanted:
        tool = request.tool
        assert tool is not None  # noqa: S101 - asked for a request with a tool
        if self._tools.get(tool.name) is tool:
            return self._wanted[tool.name]
        return wanted_by(tool)  # a wrapper gave it

    def _unknown(self, call: Any) -> ToolMessage:
        has = ", ".join(self._tools) or "none"
        return _answer(
            call, f"Error: there is no tool {call['name']!r}; it has: {has}."
        )

    def _told(self, error: Exception, request: ToolCallRequest) -> ToolMessage:
        """The error as an answer for the model; raised where it is none."""
        if isinstance(error, ValidationError) and not is_refused(error):
            given_here = (
                frozenset() if request.tool is None else self._wanted_of(request).names
            )
            found = misfit(request.tool_call, error, given_here)
            found.__cause__ = error
            return _answer(request.tool_call, words_for(found, self._errors))
        return _answer(request.tool_call, words_for(error, self._errors))


def _blocks(tool: BaseTool) -> bool:
    """Say whether a tool has no coroutine of its own.

    LangChain would run it in a thread of the event loop's, which keeps what connection to a database it has opened
    for as long as the process lives. Those of the engine close theirs.
    """
    if getattr(tool, "coroutine", None) is not None:
        return False
    kind = type(tool)
    if kind.ainvoke is BaseTool.ainvoke:
        return kind._arun is BaseTool._arun
    return kind.ainvoke in (StructuredTool.ainvoke, Tool.ainvoke)


def _as_theirs(request: ToolCallRequest) -> RunnableConfig:
    return cast("RunnableConfig", request.runtime.config)


def _answer(call: Any, text: str) -> ToolMessage:
    return ToolMessage(
        content=text, name=call["name"], tool_call_id=call["id"], status="error"
    )


def _side_by_side(
    run: Callable[[ToolCallRequest], Any], requests: list[ToolCallRequest]
) -> list[Any]:
    """Outside a graph: in threads, each with a copy of the variables around."""
    with ThreadPoolExecutor(max(len(requests), 1)) as pool:
        futures = [pool.submit(copy_context().run, run, each) for each in requests]
    return [each.result() for each in futures]


def _outcome(part: Any) -> Any:
    """What a part gave, or its error; waited for."""
    error = part.exception()
    return part.result() if error is None else error


async def _async_outcome(part: Any) -> Any:
    try:
        return await part
    except Exception as error:  # noqa: BLE001 - raised by `_whole`, after all have ended
        return error


def _whole(outcomes: list[Any]) -> list[Any]:
    """The results, when all have ended. Raises the first failure, else every question that was asked."""
    asked: list[Any] = []
    for each in outcomes:
        if isinstance(each, GraphInterrupt):
            asked += each.interrupts
        elif isinstance(each, BaseException):
            raise each
    if asked:
        raise GraphInterrupt(asked)
    return outcomes
