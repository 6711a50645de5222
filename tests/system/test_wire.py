"""What a device says: questions of one size, without private data, the same to a shelf, a web server or a folder."""

import http.server
import inspect
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zmq

from pmt_helpers.system import Refused, Shelf, open_source, questions, wire
from pmt_helpers.system.wire import QUESTION, read_question
from tests.system.conftest import Tap, download, release


def test_a_question_has_one_size_and_room_for_nothing_else() -> None:
    asked = questions("watch") + questions("watch", {"version": 3, "chunks": [""] * 4}, held=[1, 2])
    assert [read_question(each) for each in asked] == [
        (1, "watch", 0, 0), (2, "watch", 3, 0), (2, "watch", 3, 3),
    ]  # fmt: skip
    assert {len(each) for each in asked} == {QUESTION.size} == {64}
    for place in (5, 6, 7, *range(32, 64)):
        changed = bytearray(asked[0])
        changed[place] = 1
        assert read_question(bytes(changed)) is None


def test_what_a_device_sends_is_made_of_public_things_alone() -> None:
    assert list(inspect.signature(wire.questions).parameters) == ["model", "manifest", "held"]


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Any]:
    """A web server over a folder; what it was asked is noted."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            asked.append(self.path)

        def do_GET(self) -> None:
            if "moved" in self.path:
                self.send_response(302)
                self.send_header("Location", "/watch/head")
                self.end_headers()
            elif "endless" in self.path:
                self.send_response(200)
                self.end_headers()
                try:
                    while True:
                        self.wfile.write(bytes(65536))
                except OSError:
                    return
            else:
                super().do_GET()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "web")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_a_release_comes_from_a_web_server_a_folder_and_a_shelf_with_the_same_bytes(web: Any, tmp_path: Path) -> None:
    address, asked = web
    release(1).write(tmp_path / "web")
    shelf = Shelf(tmp_path / "web")
    shelf.start()
    for number, source in enumerate((address, str(tmp_path / "web"), shelf.address)):
        assert download(tmp_path / str(number), source) == 1
        for path in sorted((tmp_path / "web" / "watch").rglob("*")):
            copy = tmp_path / str(number) / path.relative_to(tmp_path / "web")
            assert path.is_dir() or copy.read_bytes() == path.read_bytes()
    assert asked == ["/watch/head", *(f"/watch/1/{i}" for i in range(7))]
    shelf.stop()


def test_bytes_up_are_those_that_the_connection_carries(web: Any, tmp_path: Path) -> None:
    release().write(tmp_path / "web")
    tap = Tap(web[0])
    source = open_source(tap.address.replace("tcp", "http"))
    source.ask(questions("watch")[0])
    assert source.up == sum(map(len, tap.up))
    source.close()
    tap.close()


@pytest.mark.parametrize(("folder", "why"), [("moved", "no answer"), ("missing", "no answer"), ("endless", "size")])
def test_a_web_server_that_leads_elsewhere_or_never_ends_is_refused(folder: str, why: str, web: Any) -> None:
    source = open_source(f"{web[0]}/{folder}", timeout_s=2)
    with pytest.raises(Refused) as error:
        source.ask(questions("watch")[0])
    assert error.value.why == why


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nA: "])
def test_a_web_server_that_sends_a_byte_now_and_then_is_cut(head: bytes, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        connection, _ = listener.accept()
        try:
            connection.sendall(head)
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            return

    threading.Thread(target=trickle, daemon=True).start()
    with pytest.raises(Refused):  # what had come by then is not what the cloud signed
        download(tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.3)
    listener.close()


@pytest.mark.parametrize("answer", [b"", b"short", bytes(16), b"PMT1\2" + bytes(11), b"PMT1\1" + bytes(11)])
def test_an_answer_to_another_question_is_refused(answer: bytes) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as server:
        port = server.bind_to_random_port("tcp://127.0.0.1")

        def reply() -> None:
            peer, _ = server.recv_multipart()
            server.send_multipart([peer, answer])

        thread = threading.Thread(target=reply)
        thread.start()
        source = open_source(f"tcp://127.0.0.1:{port}", timeout_s=2)
        (question,) = questions("watch", {"version": 2, "chunks": [""]})
        with pytest.raises(Refused, match="answer"):
            source.ask(question)
        thread.join()
        source.close()


def test_an_address_of_another_kind_is_no_source() -> None:
    with pytest.raises(ValueError, match="tcp://host:port"):
        open_source("ftp://somewhere")
