"""A whole site on a database of its own: server, workers, people, and what they wrote."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.databases import Databases
from tests.support.entering import enter
from tests.support.postgres import free_port
from tests.support.server import Process, Processes, Server, environment
from tests.web.conftest import Html

KINDS = ("sqlite", "postgresql")


def on_one(fixture: str, kind: str) -> pytest.MarkDecorator:
    """For a story of what the scripts of a page do: `site` or `standing` has that database.

    Rows and events come to a page in the same way from either; a day at the keyboard, an
    edit, a release, a bulk order, races and kills are told on both.
    """
    return pytest.mark.parametrize(fixture, [kind], indirect=True)


PEOPLE = {
    "ada": ["reviewer", "operator"],
    "payer": ["finance"],
    "admin": ["admin"],
}


@dataclass
class Visitor:
    """Somebody who is logged in and talks to the site by HTTP."""

    name: str
    session: str
    url: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Open a connection of their own."""
        self.http = httpx.Client(
            base_url=self.url, cookies={"sessionid": self.session}, timeout=120
        )

    def page(self, path: str) -> Html:
        """A page that is there."""
        answer = self.http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return Html(answer)

    def form(self, page: str, action: str) -> dict[str, str]:
        """What the form for `action` on that page would send of its own accord."""
        html = self.page(page)
        sent = {
            element.attributes["name"]: element.attributes.get("value", "")
            for element in html.all("input", type="hidden")
            if any(e.attributes.get("action") == action for e in element.parents)
        }
        assert "csrfmiddlewaretoken" in sent, f"no form for {action} on {page}"
        return sent

    def post(self, path: str, page: str = "", /, **values: Any) -> httpx.Response:
        """Send the form for `path` that stands on `page`, with these values."""
        return self.http.post(path, data=self.form(page or path, path) | values)

    def start(self, graph: str, **values: Any) -> int:
        """Start a workflow by its form; returns the number of the run."""
        answer = self.post(f"/start/{graph}/", **values)
        assert answer.status_code == 303, answer.text
        return int(answer.headers["Location"].split("/")[2])

    def status(self, run: int) -> str:
        """How the thread of that run stands, in the words of its page."""
        page = self.page(f"/runs/{run}/")
        return " ".join(page.one("div", id="thread-status").text.split())

    def thread(self, run: int) -> str:
        """The address of a run's thread."""
        return next(
            link.attributes["href"]
            for link in self.page(f"/runs/{run}/").all("a")
            if re.match("/threads/.", link.attributes["href"])
        )

    def question(self, run: int) -> int:
        """The number of the question that a run's thread waits for."""
        [link] = self.page(f"/runs/{run}/").all("a", **{"class": "question-link"})
        return int(link.attributes["href"].split("/")[2])

    def timeline(self, path: str) -> list[int]:
        """The numbers of the events on a thread's page."""
        return [
            int(element.attributes["id"].removeprefix("event-"))
            for element in self.page(path).all("li")
            if element.attributes.get("id", "").startswith("event-")
        ]


@dataclass
class Site:
    """One site under test. `kind` is its database: sqlite or postgresql."""

    kind: str
    url: str
    processes: Processes
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    visitors: list[Visitor] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Give it an environment of its own."""
        self.env = {
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
            "TEST_VAR_DIR": str(self.folder),
            "PUBLIC_URL": self.address,
            "LEDGER": str(self.ledger),
            **self.env,
        }

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ledger(self) -> Path:
        """Where the workflows of the tests note what they do."""
        return self.folder / "ledger"

    def noted(self) -> list[str]:
        """What they have noted, without the process."""
        return [line.rsplit(" ", 1)[0] for line in self._lines()]

    def pids(self) -> list[int]:
        """Which process noted each line."""
        return [int(line.rsplit(" ", 1)[1]) for line in self._lines()]

    def _lines(self) -> list[str]:
        return self.ledger.read_text().splitlines() if self.ledger.exists() else []

    def serve(self, *arguments: str, **env: str) -> Server:
        """Start the server on the site's port."""
        return self.processes.serve(
            self.url, *arguments, port=self.port, env=self.env | env
        )

    def demo(self) -> Server:
        """Start it as `make demo` does, with people and sample runs."""
        server = Server(
            ["demo", "--serve", "--port", str(self.port)],
            environment(self.url, self.env),
            self.folder / f"demo-{len(self.processes.started)}.log",
            cold=True,
            port=self.port,
        )
        self.processes.started.append(server)
        server.wait_until(server.is_answering, "answer of /healthz")
        return server

    def work(self, *arguments: str, **env: str) -> Process:
        """Start a worker process."""
        worker = self.processes.worker(
            self.url, "--no-supervise", *arguments, env=self.env | env
        )
        worker.wait_until(lambda: "runs at once" in worker.output(), "worker")
        return worker

    def manage(self, *command: str) -> str:
        """Run a command; returns what it printed."""
        return self.processes.manage(self.url, *command, env=self.env)

    def enter(self, people: dict[str, list[str]]) -> dict[str, Visitor]:
        """Make people (name -> groups) who are logged in."""
        sessions = enter(self.url, people)
        made = {
            name: Visitor(name, session, self.address)
            for name, session in sessions.items()
        }
        self.visitors.extend(made.values())
        return made

    def wait(
        self, ready: Callable[[], object], what: str, seconds: float = 300
    ) -> float:
        """Wait until `ready()`; returns the seconds it took."""
        began = asked = time.monotonic()
        while not ready():
            answered = time.monotonic()
            if answered - began > seconds:
                raise AssertionError(
                    f"no {what} in {seconds} s; noted {self.noted()}\n{self.output()}"
                )
            # A look at a page is work for the server: no more than a quarter of its time.
            time.sleep(max(0.02, 3 * (answered - asked)))
            asked = time.monotonic()
        return time.monotonic() - began

    def output(self) -> str:
        """What all processes have printed."""
        return "\n".join(process.output() for process in self.processes.started)

    def assert_quiet(self, faults: str = r"Traceback|\w+Warning\b") -> None:
        """No process has warned of anything or met a fault that it did not expect."""
        said = self.output()
        found = re.search(faults, said)
        assert not found, f"{found}\n{said}"

    def close(self) -> None:
        """Stop everything."""
        for visitor in self.visitors:
            visitor.http.close()
        self.processes.stop()


@pytest.fixture
def new_site(
    databases: Databases, processes: Processes, tmp_path: Path
) -> Iterator[Callable[[str], Site]]:
    """Makes a site on that kind of database, with the tables and nothing in them."""
    made: list[Site] = []

    def make(kind: str) -> Site:
        made.append(Site(kind, databases.new(kind), processes, tmp_path))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, new_site: Callable[[str], Site]) -> Site:
    """A new site on each database in turn."""
    return new_site(request.param)


@dataclass
class Standing:
    """A site that serves several tests, with its people."""

    site: Site
    people: dict[str, Visitor]


@pytest.fixture(scope="package", params=KINDS)
def standing(
    request: pytest.FixtureRequest,
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Standing]:
    """A site with a server and a worker in it that stays for the tests after this one."""
    folder = tmp_path_factory.mktemp("standing")
    site = Site(request.param, databases.new(request.param), Processes(folder), folder)
    people = site.enter(PEOPLE)
    site.serve("--with-worker")
    yield Standing(site, people)
    site.close()
    # Refused input is logged, some of it by Django with a traceback; faults are not.
    site.assert_quiet(r"Internal Server Error|Exception inside|\w+Warning\b")
