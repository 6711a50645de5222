"""What travels between a device and a shelf: a question of 64 bytes up, one bounded answer down.

`questions` makes everything that a device ever sends. It is given the name of a public model, the manifest that was
just downloaded and which chunks are there already; it has no argument through which private data could come in.
"""

import re
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pmt_helpers.system.bundle import LARGEST_MANIFEST, SIGNATURE, Refused, read_bounded

QUESTION = struct.Struct(">4sB3x16sII32x")  # magic, what is asked, model, version, chunk; the rest is zeros
ANSWER = struct.Struct(">4sB3xII")  # magic, what was asked, version, chunk; then the bytes asked for
MAGIC = b"PMT1"
HEAD, PART, WINDOWS, NONE = 1, 2, 3, 9  # NONE: the shelf does not hold it
LARGEST_ANSWER = ANSWER.size + SIGNATURE + LARGEST_MANIFEST
TIMEOUT_S = 5.0


def questions(model: str, manifest: Mapping[str, Any] | None = None, held: Sequence[int] = ()) -> list[bytes]:
    """The questions of a visit, in order: for the newest manifest, or for the chunks of this one that are not held."""
    if manifest is None:
        return [_question(HEAD, model)]
    missing = [i for i in range(len(manifest["chunks"])) if i not in held]
    return [_question(PART, model, manifest["version"], i) for i in missing]


def _question(kind: int, model: str, version: int = 0, chunk: int = 0) -> bytes:
    return QUESTION.pack(MAGIC, kind, model.encode(), version, chunk)


def read_question(question: bytes) -> tuple[int, str, int, int] | None:
    """What is asked, of which model, version and chunk; None for anything but a question as `_question` makes it."""
    if len(question) != QUESTION.size:
        return None
    magic, kind, model, version, chunk = QUESTION.unpack(question)
    if magic != MAGIC or QUESTION.pack(magic, kind, model, version, chunk) != question:  # nothing hides in the padding
        return None
    return kind, model.rstrip(b"\0").decode("ascii", "replace"), version, chunk


class Source:
    """Where releases come from, by an address: tcp://host:port, http(s)://..., or a folder.

    ask(question) gives the answer's bytes; up and down count bytes of questions and answers. Raises Refused when there
    is no answer. server_key: the public CURVE key of a shelf that encrypts.
    """

    up = down = 0

    def ask(self, question: bytes) -> bytes:
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the connection, if there is one."""


class ShelfSource(Source):
    """A Shelf. Each visit has a key pair of its own, so that a shelf cannot tell by it who comes back."""

    def __init__(self, address: str, server_key: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        import zmq  # here and below: a device holds in memory what its own source needs, and no more

        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        wait = round(1000 * timeout_s)
        for option, value in (
            (zmq.LINGER, 0), (zmq.MAXMSGSIZE, LARGEST_ANSWER), (zmq.RCVTIMEO, wait), (zmq.SNDTIMEO, wait),
            (zmq.HANDSHAKE_IVL, wait), (zmq.IMMEDIATE, 1), (zmq.RECONNECT_IVL, 200), (zmq.RECONNECT_IVL_MAX, 2000),
        ):  # fmt: skip
            self._socket.setsockopt(option, value)
        try:
            if server_key:
                self._socket.curve_publickey, self._socket.curve_secretkey = zmq.curve_keypair()
                self._socket.curve_serverkey = server_key.encode()
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise ValueError(f"address or server_key of a shelf: {error.strerror}: {address!r}") from None

    def ask(self, question: bytes) -> bytes:
        import zmq

        _, kind, _, version, chunk = QUESTION.unpack(question)
        try:
            self._socket.send(question)
            self.up += len(question)
            parts = self._socket.recv_multipart()
        except zmq.ZMQError as error:
            raise Refused("no answer", error.strerror * (not isinstance(error, zmq.Again))) from None
        answer = parts[0]
        self.down += sum(map(len, parts))
        if len(parts) != 1 or len(answer) < ANSWER.size:
            raise Refused("answer", f"{len(parts)} parts, {len(answer):,} bytes")
        magic, *stated = ANSWER.unpack(answer[: ANSWER.size])
        if stated[0] == NONE:
            raise Refused("no answer", "it does not hold this release")
        if magic != MAGIC or stated[0] != kind or (kind == PART and stated[1:] != [version, chunk]):
            raise Refused("answer", f"{stated} to {[kind, version, chunk]}")
        return answer[ANSWER.size :]

    def close(self) -> None:
        self._socket.close(0)
        self._context.term()


def path_of(question: bytes) -> str:
    """The file that answers a question, in a folder of releases."""
    _, kind, model, version, chunk = QUESTION.unpack(question)
    name = model.rstrip(b"\0").decode()
    return f"{name}/head" if kind == HEAD else f"{name}/{version}/{chunk}"


class WebSource(Source):
    """A release as static files on any web server. Redirections are not followed: they lead who knows where."""

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S) -> None:
        import http.client

        parts = urlsplit(address)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=timeout_s)
        self._root, self._host, self._timeout = parts.path.rstrip("/"), parts.netloc, timeout_s

    def ask(self, question: bytes) -> bytes:
        import http.client

        path = f"{self._root}/{path_of(question)}"
        cut = threading.Timer(2 * self._timeout, self._cut)  # a server may send a byte a second for ever
        cut.start()
        try:
            self._connection.request("GET", path)
            self.up += len(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nAccept-Encoding: identity\r\n\r\n")
            answer = self._connection.getresponse()
            content = answer.read(LARGEST_ANSWER + 1)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Refused("no answer", type(error).__name__) from None
        finally:
            cut.cancel()
        self.down += len(content)
        if answer.status != http.client.OK:
            self._connection.close()
            raise Refused("no answer", f"{answer.status} {answer.reason[:40]}")
        if len(content) > LARGEST_ANSWER:
            self._connection.close()
            raise Refused("size", f"more than {LARGEST_ANSWER:,} bytes")
        return content

    def _cut(self) -> None:
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._connection.close()


class FolderSource(Source):
    """A release as files of this machine, or of a stick."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def ask(self, question: bytes) -> bytes:
        try:
            content = read_bounded(self._folder / path_of(question), LARGEST_ANSWER)
        except OSError as error:
            raise Refused("no answer", error.strerror) from None
        self.up, self.down = self.up + len(question), self.down + len(content)
        return content


def open_source(address: str, server_key: str | None = None, timeout_s: float = TIMEOUT_S) -> Source:
    """The source behind an address. Raises ValueError for an address of another kind, or no CURVE key."""
    check_address(address)
    if address.startswith("tcp://"):
        return ShelfSource(address, server_key, timeout_s)
    return WebSource(address, timeout_s) if "://" in address else FolderSource(address)


def check_address(address: str) -> None:
    """Raises ValueError unless it is tcp://host:port, http(s)://... or a folder."""
    if "://" in address and not re.match(r"tcp://[^/\s]+:\d{1,5}$|https?://[^/\s]+(/|$)", address):
        raise ValueError(f"address must be tcp://host:port, http(s)://... or a folder; got {address!r}")
