"""What the function of a task can reach while it runs: `runtime.TaskContext`, implemented."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from workflows.engine import ids
from workflows.engine.answers import validate_answer
from workflows.engine.attributes import Attributes, check_number, merged
from workflows.engine.checkpoint.base import Asked
from workflows.engine.checkpoint.overriding import check_keeps_attributes
from workflows.engine.constants import PREVIOUS
from workflows.engine.drivers import tokens
from workflows.engine.drivers.asking import end_of, given_up, still_asks
from workflows.engine.drivers.future import TaskFuture
from workflows.engine.drivers.listeners import around
from workflows.engine.drivers.threads import off_the_loop
from workflows.engine.drivers.timeouts import Watch
from workflows.engine.drivers.transacting import check_can_commit
from workflows.engine.drivers.writer import Writer
from workflows.engine.errors import (
    BeginsAnew,
    FeatureNotBuiltError,
    GraphInterrupt,
    NodeTimeoutError,
    RunCancelled,
    SerdeError,
)
from workflows.engine.loop.bounds import check_record
from workflows.engine.loop.effects import Wrote
from workflows.engine.loop.forking import forks_passed, marks_below, origin_here
from workflows.engine.loop.namespaces import namespace_of
from workflows.engine.loop.plan import metadata_of
from workflows.engine.loop.program import Writes
from workflows.engine.loop.rehearsal import end_of_record
from workflows.engine.loop.resume import TIMED_OUT, WITHDRAWN, question_digest
from workflows.engine.loop.run import Answer, Run
from workflows.engine.loop.tasks import Call, Task
from workflows.engine.response_schemas import describe, mark_refused
from workflows.engine.runtime import ExecutionInfo, Runtime, server_info_of
from workflows.engine.serde import canonical
from workflows.engine.types import Interrupt, StreamWriter
from workflows.engine.waits import Limit

_counting = threading.Lock()


class Context:
    """What the function of a task can reach; implements `runtime.TaskContext`."""

    subgraphs = 0
    watch: Watch | None = None
    attributes: Attributes | None = None
    """What this attempt has set; it ends with the attempt, so a failed one leaves nothing."""
    pushed: Writes | None = None
    """What it has written before it returns; ends with it, too."""
    listener: Any = None
    """What hears the chat models that the attempt calls, where somebody reads their tokens."""
    signs: Any = None
    """What takes all that is heard of the attempt for a sign of life, where its idle time is limited."""
    told: Any = None
    """The attempt as a run that handlers of langchain-core hear of (`heard.Told`), where there are some."""
    in_transaction = False
    """Its function runs in the transaction that is to have its record (RB.7)."""
    broken: BaseException | None = None
    """What kept that record from being saved: it ends the run."""
    _config: dict[str, Any] | None = None
    _runtime: Runtime[Any] | None = None
    begins_anew: BeginsAnew | None = None

    def __init__(self, task: Task, run: Run, driver: Any) -> None:
        self.task = task
        self.run = run
        self.driver = driver

    @property
    def namespace(self) -> str:
        """The namespace of the subgraphs this task calls: `node:task_id` below ours."""
        return namespace_of(self.task, self.run)

    @property
    def previous(self) -> Any:
        """What the last run of an entrypoint saved, or None (R8.4)."""
        channel = self.run.channels.get(PREVIOUS)
        if channel is None or not channel.is_available():
            return None
        return channel.get()

    def config(self) -> dict[str, Any]:
        """R1.5."""
        if self._config is None:
            run, task = self.run, self.task
            found = dict(run.config)
            for name in ("run_name", "run_id"):  # of the run, not of its nodes
                found.pop(name, None)
            found["configurable"] = {
                **run.config.get("configurable", {}),
                "checkpoint_ns": self.namespace,
                "checkpoint_id": run.live_checkpoint,
                "checkpoint_map": {**run.parents, run.namespace: run.live_checkpoint},
            }
            found["metadata"] = metadata_of(run, task)
            if task.node.tags:
                found["tags"] = [*found.get("tags", ()), *task.node.tags]
            if self.told is not None:
                found["callbacks"] = self.heard_by(self.told.child)
            elif self._is_heard():
                found["callbacks"] = self.heard_by(run.config.get("callbacks"))
            self._config = found
        return self._config

    def heard_by(self, callbacks: Any) -> Any:
        """These callbacks, and what the engine itself hears of the attempt."""
        return tokens.with_listeners(callbacks, self.listener, self.signs)

    def _is_heard(self) -> bool:
        mine = self.told or self.listener or self.signs
        return mine is not None or tokens.is_heard(self.run.config)

    def listen(self) -> Callable[[], None] | None:
        """Let chat models that are called find who hears them, a stream of `messages` too; returns what ends that."""
        if "messages" in self.run.modes:
            self.listener = tokens.listener(self, self._said)
        if self.watch is not None:
            self.signs = tokens.signs_of_life(self.watch)
        return tokens.offer(self.config()) if self._is_heard() else None

    def _said(
        self, message: Any, metadata: dict[str, Any], is_whole: bool = False
    ) -> None:
        if is_whole and message.id in self.run.shown:
            return
        if message.id is not None:
            self.run.shown.add(message.id)
        self.write("messages", lambda: (message, metadata))

    @property
    def writer(self) -> StreamWriter:
        """Hands chunks to whoever streams the run."""
        return Writer(self)

    def write(self, mode: str, make: Callable[[], Any]) -> None:
        """Hand a chunk to a mode of the stream, at once, if somebody reads it."""
        self.meet_stop()
        if self.watch is not None:
            self.watch.sign()
        if mode in self.run.modes:
            # a @task's messages are its graph's, like those that it returns
            parent = None if mode == "messages" else self.task.parent
            where = None if parent is None else namespace_of(parent, self.run)
            self.driver.wrote(Wrote(self.task, mode, make(), where))

    def pass_up(self, namespace: str, mode: str, chunk: Any) -> None:
        """Take a chunk of a run that this task called, for whoever reads above."""
        if self.watch is not None:
            self.watch.sign()
        self.driver.wrote(Wrote(self.task, mode, chunk, namespace, below=True))

    def beat(self, details: Any = None) -> None:
        """Say that the attempt is alive (R1.37); `details` are kept for the next (RA.16)."""
        self.meet_stop()
        if self.watch is not None:
            self.watch.beat(details)
        if details is not None:
            run, task = self.run, self.task
            if run.saver is not None:
                run.saver.keep_heartbeat(run.thread_id, task.id, task.name, details)
            task.heartbeat = details

    def recall(self) -> Any:
        """What `heartbeat` was told last, here or by an attempt in another process."""
        task, run = self.task, self.run
        if task.heartbeat is None and run.saver is not None:
            task.heartbeat = off_the_loop(
                run.saver.last_heartbeat, run.thread_id, task.id
            )
        return task.heartbeat

    def check(self) -> None:
        """End the attempt where it was asked to end (RA.16).

        Raises RunCancelled, or NodeTimeoutError where a limit of time is over.
        """
        stop, task = self.run.stop, self.task
        if stop.mode == "timeout":
            elapsed = ids.clock() - (task.first_attempt or ids.clock())
            raise NodeTimeoutError(task.name, elapsed, run_timeout=stop.limit)
        self.meet_stop()
        if self.watch is not None and self.watch.left() <= 0:
            raise self.watch.error(task.name)

    def is_stop(self, error: BaseException) -> bool:
        """Whether the attempt ended with `error` because its run was asked to end."""
        return self.run.stop.is_now and isinstance(
            error, RunCancelled | NodeTimeoutError
        )

    def is_ending(self, error: BaseException) -> bool:
        """Whether a body ended with `error`, by failing or where its record ends; else it ends the run."""
        if isinstance(error, Exception):
            return error is not self.broken
        is_of_process = isinstance(error, KeyboardInterrupt | SystemExit)
        return bool(self.task.past_record) and not is_of_process

    def meet_stop(self) -> None:
        """Raise where the run was asked to end at once: every call of the engine begins here (RA.17)."""
        if self.run.stop.is_now:
            raise self.run.stop.error()
        if self.task.past_record:  # caught, and gone on (RA.4)
            raise end_of_record(self.task, self.task.past_record)

    def check_outside(self, what: str) -> None:
        """Raise RuntimeError in the body of a transactional task, with whose record nothing else can be saved."""
        if self.in_transaction:
            raise RuntimeError(
                f"{what} in the body of task {self.task.name!r}, which is transactional: that is saved apart and could "
                "not be undone with it. Do it before the task is called, or after"
            )

    def runtime(self) -> Runtime[Any]:
        """R1.6."""
        if self._runtime is None:
            run, task = self.run, self.task
            key = f"{run.thread_id}\0{run.namespace}\0{task.body_id}"
            self._runtime = Runtime(
                context=run.context,
                store=run.store,
                stream_writer=self.writer,
                previous=self.previous,
                execution_info=ExecutionInfo(
                    checkpoint_id=run.live_checkpoint or "",
                    checkpoint_ns=self.namespace,
                    task_id=task.id,
                    thread_id=run.thread_id if run.saver else None,
                    run_id=run.run_id,
                    node_attempt=task.attempt,
                    node_first_attempt_time=task.first_attempt,
                ),
                server_info=server_info_of(run.config),
                control=run.control,
                heartbeat=self.beat,
                check=self.check,
                recall=self.recall,
                idempotency_key=ids.digest(key),
            )
        return self._runtime

    def ask(
        self,
        value: Any,
        schema: Any,
        key: str | None,
        policy: Mapping[str, Any] | None = None,
        limit: Limit | None = None,
    ) -> Any:
        """R5.1 to R5.9, RB.4."""
        self.meet_stop()
        self.check_outside("interrupt() was called")
        task, run = self.task, self.run
        ordinal = task.questions
        if key is None:
            task.questions += 1
            place: Any = ordinal
        else:
            if key in task.keys:
                raise ValueError(
                    f"{task.name!r} asks two questions with key {key!r}; keys must differ"
                )
            task.keys |= {key}
            place = f"key:{key}"
        if task.questions + len(task.keys) == 101 and run.warn is not None:
            run.warn(
                f"thread {run.thread_id!r}: {task.name!r} has asked more than 100 "
                "questions in one task; what comes before them runs again each time. "
                "Loop through an edge instead."
            )
        check_record(task, run)
        question_id = ids.interrupt_id(origin_here(task), place)
        answer = self.answer_to(question_id, value, schema)
        if answer is not None:
            if answer.digest == TIMED_OUT:
                return given_up(self, value, limit)
            return answer.value
        question = Interrupt(value, question_id)
        describe(question, schema)
        if limit is not None:
            question.until = end_of(self, question_id, limit)
        digest = question_digest(value) or ""
        asked = Asked(question, ordinal, key, digest, policy)
        task.asked = (*task.asked, asked)
        task.note_asking((question,))
        raise GraphInterrupt((question,))

    def answer_to(self, question_id: str, value: Any, schema: Any) -> Answer | None:
        """The answer to a question, as an instance of its class; None while none counts. What was given up has one, too."""
        answer = self.run.answers.get(question_id)
        if answer is None or answer.digest in (TIMED_OUT, WITHDRAWN):
            return answer
        if not still_asks(self, value, answer.digest, question_id):
            return None
        try:
            found = (
                answer.value
                if schema is None
                else validate_answer(schema, answer.value)
            )
        except Exception as error:
            self.driver.refuse(self.run, question_id)
            mark_refused(error, question_id)
            raise
        return Answer(found, answer.digest)

    def push(self, given: Any, key: str | None, mode: str = "messages") -> None:
        """Stream a whole message or a part, and write it to `key` of the state when the node ends (R9.3)."""
        self.meet_stop()
        run, task = self.run, self.task
        if key is not None:
            if task.call is not None:
                raise FeatureNotBuiltError(
                    f"in task {task.name!r} nothing can be pushed to key {key!r}; push it in "
                    "a node, or give state_key=None and return it"
                )
            with _counting:
                self.pushed = [*(self.pushed or ()), *task.node.write({key: given})]
        if mode == "messages":
            run.shown.add(given.id)
        whole = mode != "messages"
        self.write(mode, lambda: given if whole else (given, metadata_of(run, task)))

    def set_attributes(self, change: Attributes) -> None:
        """RB.11."""
        self.meet_stop()
        check_keeps_attributes(self.run.saver, self.task.name)
        self.attributes = merged(self.attributes, change)
        check_number(self.attributes or {}, (), f"thread {self.run.thread_id!r}")

    def call(self, fn: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Start a `@task`, or take its recorded result (R8.9, R4.12)."""
        self.meet_stop()
        task, run = self.task, self.run
        if self.in_transaction:
            self.check_outside(f"task {fn.name!r} was called")
        if fn.node.transaction is not None and run.rehearsal is None:
            check_can_commit(fn.node, run)
        if fn.node.is_async and not self.driver.is_async:
            raise RuntimeError(
                f"task {fn.name!r} is a coroutine function; a blocking graph cannot run "
                "it. Use ainvoke or astream, or make it a plain function."
            )
        if self.watch is not None:
            self.watch.sign()
        future = TaskFuture(fn.name, self)
        call = Call(fn.node.fn, args, kwargs, future)
        call.above = None if run.heard is None else around()
        with _counting:  # threads of the author's own may call at the same time
            call.number, call.position = task.count_call(fn.name)
            check_record(task, run)
        kind = "call" if task.caught is None else "handler call"
        path = (*task.path, kind, fn.name, call.number)
        key = (
            run.live_checkpoint or run.seed,
            run.namespace,
            "call",
            task.body_id,
            *path[-2:],
            *forks_passed(task, call.position),
        )
        child = Task(
            fn.node,
            path,
            key,
            parent=task,
            call=call,
            value=args,
            origin_key=(origin_here(task, call.position), *path[-2:]),
        )
        if task.forks:
            child.forks = marks_below(task, fn.name, call.number)
        call.record = [
            task.body_id,
            fn.name,
            call.number,
            call.position,
            _arguments_digest(args, kwargs) if run.saver else None,
        ]
        future.child = child
        self.driver.called(task, child)
        return future


def _arguments_digest(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    try:
        return ids.digest(canonical([list(args), kwargs]))
    except SerdeError:
        return None
