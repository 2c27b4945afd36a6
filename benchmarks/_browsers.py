"""Many browsers in one process: opens sockets, prints for every frame its number and time."""

import asyncio
import json
import sys
import time

from websockets.asyncio.client import connect

OPENED_AT_ONCE = 20


async def watch(address: str, session: str, sockets: int, events: int) -> None:
    """Say "ready" when all are open, and at the end what came when."""
    got: list[tuple[int, float]] = []
    ready = asyncio.Semaphore(0)
    opening = asyncio.Semaphore(OPENED_AT_ONCE)

    async def one() -> None:
        async with opening:
            line = await connect(
                f"{address.replace('http', 'ws', 1)}/ws/threads/bench/",
                origin=address,
                additional_headers={"Cookie": f"sessionid={session}"},
                open_timeout=60,
            )
        ready.release()
        seq = 0
        while seq < events:
            frame = json.loads(await line.recv())
            if "ping" in frame:
                await line.send("pong")
            elif "seq" in frame:
                seq = frame["seq"]
                got.append((seq, time.monotonic()))
        await line.close()

    tasks = [asyncio.create_task(one()) for _ in range(sockets)]
    for _ in tasks:
        await ready.acquire()
    print("ready", flush=True)
    await asyncio.gather(*tasks)
    print(json.dumps(got), flush=True)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
