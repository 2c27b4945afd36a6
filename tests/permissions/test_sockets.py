"""Every cell of the table at the websockets: let in, or refused before the handshake."""

import pytest

from tests.live.conftest import DEADLINE_SECONDS, handshake, log_in, on_thread
from tests.permissions.matrix import PEOPLE, SOCKETS, letter
from tests.permissions.world import make_world
from workflows.live import watch


async def is_let_in(path: str, session: str | None) -> bool:
    socket = handshake(path, session)
    accepted, _ = await socket.connect(timeout=DEADLINE_SECONDS)
    if accepted:
        await socket.disconnect()
    return accepted


async def test_each_cell_is_as_the_table_says(publisher, own_registry):
    world = await on_thread(make_world)
    sessions = {
        name: await on_thread(log_in, user) for name, user in world.people.items()
    }
    wrong = []
    for door in SOCKETS.values():
        for person in PEOPLE:
            for where in (
                ("own", "other", "unknown") if door.names_a_thing else ("own",)
            ):
                names = await on_thread(world.place, person, where)
                grant = letter(door.act, person)
                wanted = {
                    "own": grant != "-",
                    "other": grant == "G",
                    "unknown": False,
                }[where]
                path = door.path.format(**names)
                if await is_let_in(path, sessions.get(person)) != wanted:
                    wrong.append(f"{path}: {person}, {where}: not {wanted}")

    assert not wrong, "\n".join(wrong)


async def test_whoever_is_deactivated_is_out_within_five_seconds(
    publisher, own_registry
):
    world = await on_thread(make_world)
    person = world.people["reviewer"]
    session = await on_thread(log_in, person)
    thread = (await on_thread(world.place, "reviewer", "own"))["thread"]
    paths = ("/ws/queue/", "/ws/runs/", f"/ws/threads/{thread}/")
    sockets = [handshake(path, session) for path in paths]
    for socket in sockets:
        assert (await socket.connect(timeout=DEADLINE_SECONDS))[0]

    person.is_active = False
    await on_thread(person.save)
    await publisher.watch.round()

    for socket in sockets:
        while (sent := await socket.receive_output(DEADLINE_SECONDS))["type"] != (
            "websocket.close"
        ):
            pass
        assert sent["code"] == 4401
    for path in paths:
        assert not await is_let_in(path, session)
    assert watch.ROUND_SECONDS < 5


@pytest.mark.parametrize("name", ["finance", "admin"])
async def test_lists_are_open_without_a_role_of_the_site(publisher, own_registry, name):
    world = await on_thread(make_world)
    person = world.people[name]
    if name == "admin":
        # A superuser need not be in any group.
        await on_thread(person.groups.clear)
        person.is_superuser = True
        await on_thread(person.save)

    assert await is_let_in("/ws/queue/", await on_thread(log_in, person))
