"""Where a webhook may go: no way into this machine's network, no redirects."""

from __future__ import annotations

import json
import socket
import threading
from ipaddress import ip_network
from typing import Any

import pytest

from tests.local_server import Reply
from workflows.models import (
    AuditEntry,
    Delivery,
)
from workflows.services.outbound.delivering import deliver_due
from workflows.services.outbound.endpoints import (
    TestWebhook,
)
from workflows.services.outbound.events import ASKED, tell_question
from workflows.services.outbound.posting import NotSent, post

pytestmark = pytest.mark.django_db(transaction=True)


class TestWhereItGoes:
    """What an admin types is no way into this machine's network."""

    def test_a_redirect_is_not_followed(self, question, hook, receiver):
        receiver.pages["/hook"] = Reply(
            status=307, headers={"Location": receiver.url + "/inside"}
        )
        hook(receiver.url + "/hook")
        tell_question(ASKED, question)

        deliver_due()

        assert receiver.asked == ["/hook"]
        row = Delivery.objects.get()
        assert (row.status, row.last_status) == ("pending", 307)
        assert row.last_error == "answered 307: redirects are not followed"

    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1",
            "localhost",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[fd00::1]",
            "[64:ff9b::7f00:1]",
        ],
    )
    def test_private_addresses_are_refused(self, host):
        with pytest.raises(NotSent) as caught:
            post(f"https://{host}:9/", b"", {})

        assert "not a public address" in str(caught.value) or "resolved" in str(
            caught.value
        )

    def test_the_metadata_service_is_refused_whatever_is_set(self):
        networks = [ip_network("169.254.0.0/16")]
        with pytest.raises(NotSent, match="not a public address"):
            post("https://169.254.169.254/", b"", {}, networks=networks)

    def test_a_name_that_moves_after_the_check_is_not_followed(
        self, question, hook, receiver, monkeypatch
    ):
        """DNS rebinding: the first look-up is checked, a second would lead inside."""
        port = int(receiver.url.rpartition(":")[2])
        looks: list[str] = []
        real = socket.getaddrinfo

        def resolve(host: Any, *args: Any, **more: Any) -> Any:
            if host != "moves.example":
                return real(host, *args, **more)
            looks.append(host)
            number = "127.0.0.1" if len(looks) == 1 else "10.0.0.7"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        hook(f"http://moves.example:{port}/hook")
        tell_question(ASKED, question)

        deliver_due()

        (call,) = receiver.posted
        assert call.headers["host"] == f"moves.example:{port}"
        assert looks == ["moves.example"]

    def test_one_private_number_among_public_ones_is_enough(self, monkeypatch):
        answers = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

        with pytest.raises(NotSent, match=r"10\.0\.0\.7"):
            post("https://sneaky.example/", b"", {})

    def test_plain_http_goes_to_networks_of_ones_own_only(self, monkeypatch):
        answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 80))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
        networks = [ip_network("10.0.0.0/8")]

        with pytest.raises(NotSent, match="only https"):
            post("http://public.example/", b"", {}, networks=networks)

    def test_only_hosts_of_the_list_where_there_is_one(self):
        with pytest.raises(NotSent, match="not among the hosts"):
            post("https://b.example/", b"", {}, hosts=["a.example"])

    def test_a_server_that_drips_is_given_up(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            ended = threading.Event()

            def drip() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                    while not ended.wait(0.05):
                        try:
                            connection.sendall(b"x")
                        except OSError:
                            return

            thread = threading.Thread(target=drip)
            thread.start()
            networks = [ip_network("127.0.0.0/8")]
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            try:
                with pytest.raises(NotSent, match="no answer within"):
                    post(url, b"", {}, networks=networks, seconds=0.3)
            finally:
                ended.set()
                thread.join()

    def test_the_answer_is_neither_kept_nor_told(
        self, people, question, hook, receiver
    ):
        receiver.pages["/hook"] = Reply(b"a secret of the receiver", status=400)
        row = hook(receiver.url + "/hook")
        tell_question(ASKED, question)
        deliver_due()

        outcome = TestWebhook(people.admin, row.pk).execute()

        row.refresh_from_db()
        kept = f"{outcome}{vars(row)}{Delivery.objects.values().get()}"
        assert "secret of the receiver" not in kept
        assert row.last_error == "answered 400: not accepted"
        tested = AuditEntry.objects.get(action="webhook.tested")
        assert json.loads(tested.data) == {"status": 400}
