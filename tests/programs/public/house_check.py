"""Coroutines: tasks side by side, awaited together, in an async entrypoint."""

import asyncio

from durableweb.func import entrypoint, task
from durableweb.types import Command, interrupt

calls = []


@task
async def measure(room: str) -> int:
    calls.append(room)
    await asyncio.sleep(0)
    return len(room) * 3


def workflow(saver):
    @entrypoint(checkpointer=saver)
    async def check(rooms: list[str]) -> dict:
        degrees = await asyncio.gather(*[measure(room) for room in rooms])
        cold = [r for r, d in zip(rooms, degrees, strict=True) if d < 15]
        if cold:
            cold = interrupt({"too cold": cold})
        return {"degrees": degrees, "heat": cold}

    return check


async def run(check):
    config = {"configurable": {"thread_id": "house"}}
    seen = [await check.ainvoke(["hall", "kitchen", "bath"], config)]
    seen.append(await check.ainvoke(Command(resume=["hall"]), config))
    seen.append((await check.aget_state(config)).values)
    warm = {"configurable": {"thread_id": "warm"}}
    seen.append([chunk async for chunk in check.astream(["kitchen"], warm)])
    return seen


def story(saver):
    calls.clear()
    return [asyncio.run(run(workflow(saver))), sorted(calls)]
