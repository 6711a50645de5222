"""The cloud: a shelf that hands out releases to anybody, and an inbox that takes windows from known volunteers.

A mirror is a shelf over a folder of somebody else's releases. No process that serves holds the signing key.
"""

import collections
import hashlib
import io
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

from pmt_helpers.activity.weights import Windows
from pmt_helpers.datasets.arrays import DAMAGED, load_npz, pack_arrays
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.datasets.features import FEATURE_NAMES
from pmt_helpers.system.bundle import LARGEST_MB, MODEL_NAME, SIGNATURE, Refused, read_head, read_payload, write_whole
from pmt_helpers.system.wire import ANSWER, HEAD, MAGIC, NONE, PART, QUESTION, TIMEOUT_S, WINDOWS, read_question

LONGEST_S = 60.0  # of a connection; a device on a slow line comes again and goes on where it stopped
MOST_PEERS = 4096  # whose rate is remembered
SPARE_FILES = 100
FIRST_VOLUNTEER = 1_000_000  # number of the first volunteer of the inbox, beyond those of data sets

Keys = tuple[bytes, bytes]  # zmq.curve_keypair(): public, secret


class Server(threading.Thread):
    """One ROUTER socket with a context and a thread of its own, that survives whatever is sent to it.

    Messages are bounded before they are read, a silent handshake is cut after two seconds, each peer has so many
    messages a second, and above `most_connections` the oldest is shut: an honest one is done within a second.

    Parameters
    ----------
    bind: an address such as "tcp://127.0.0.1:*"; what it became is `address`.
    keys: a CURVE key pair, then all is encrypted; None: plain.
    allowed: asked for each client's public CURVE key; None lets anybody in.
    """

    largest = 1024  # bytes of a message; libzmq counts its own handshake too and needs 277 (its issue 4436)
    waiting = 8  # messages in each direction; a client that never reads holds so many answers in memory

    def __init__(
        self, bind: str, keys: Keys | None = None, allowed: Callable[[bytes], bool] | None = None,
        *, rate: float = 200, most_connections: int = 1000,
    ) -> None:  # fmt: skip
        super().__init__(daemon=True)
        self.stats: collections.Counter[str] = collections.Counter()
        self.rate, self.most_connections = rate, min(most_connections, _open_files() - SPARE_FILES)
        self._buckets: collections.OrderedDict[bytes, tuple[float, float]] = collections.OrderedDict()
        self._connections: dict[int, float] = {}  # file descriptor, since when; the oldest first
        self._stopping = threading.Event()
        self._context = zmq.Context()
        self._gate = None
        self._socket = self._context.socket(zmq.ROUTER)
        for option, value in (
            (zmq.MAXMSGSIZE, self.largest), (zmq.HANDSHAKE_IVL, 2000), (zmq.RCVHWM, self.waiting),
            (zmq.SNDHWM, self.waiting), (zmq.LINGER, 0), (zmq.HEARTBEAT_IVL, 5000), (zmq.HEARTBEAT_TIMEOUT, 5000),
            (zmq.BACKLOG, 512), (zmq.ROUTER_MANDATORY, 1),
        ):  # fmt: skip
            self._socket.setsockopt(option, value)
        if keys:
            self._socket.curve_publickey, self._socket.curve_secretkey = keys
            self._socket.curve_server = True
        if allowed:  # pyzmq's "allow any" is one flag for all domains: a domain and a context of its own instead
            knows = SimpleNamespace(callback=lambda domain, key: allowed(key))
            self._gate = ThreadAuthenticator(self._context)
            self._gate.start()
            self._gate.configure_curve_callback(domain="known", credentials_provider=knows)
            self._socket.zap_domain = b"known"
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        try:
            self._socket.bind(bind)
        except zmq.ZMQError as error:
            self._close()
            raise OSError(error.errno, error.strerror, bind) from None
        self.address = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def answer(self, question: tuple[int, str, int, int], more: bytes, who: str | None) -> bytes:
        """What to send back. more: what follows the question. who: the client's CURVE key, where keys are asked for."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Called every second."""

    def run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        refreshed = -1.0
        while not self._stopping.is_set():
            if time.monotonic() - refreshed > 1:
                self.refresh()
                refreshed = time.monotonic()
            poller.poll(100)
            self._mind_connections()
            for _ in range(256):
                try:
                    frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
                except zmq.Again:
                    break
                self._serve(frames)
        self._close()

    def _serve(self, frames: list[Any]) -> None:
        peer, message = frames[0].bytes, frames[-1].bytes
        question = read_question(message[: QUESTION.size])
        if len(frames) != 2 or question is None or not self._takes(question[0], len(message)):
            self.stats["refused: form"] += 1
            return
        now = time.monotonic()
        left, then = self._buckets.pop(peer, (self.rate, now))
        left = min(self.rate, left + (now - then) * self.rate)
        self._buckets[peer] = (max(left - 1, 0), now)
        if len(self._buckets) > MOST_PEERS:
            self._buckets.popitem(last=False)
        if left < 1:
            self.stats["refused: rate"] += 1
            return
        who = frames[1].get("User-Id") if self._gate else None
        answer = self.answer(question, message[QUESTION.size :], who)
        self.stats["answered"] += 1
        try:
            self._socket.send_multipart([peer, answer], zmq.NOBLOCK)
        except zmq.ZMQError:
            self.stats["gone or slow"] += 1

    def _takes(self, kind: int, n_bytes: int) -> bool:
        return kind in (HEAD, PART) and n_bytes == QUESTION.size

    def _mind_connections(self) -> None:
        while self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)
            self._connections.pop(event["value"], None)
            if event["event"] == zmq.EVENT_ACCEPTED:
                self._connections[event["value"]] = time.monotonic()
        while self._connections:
            number, since = next(iter(self._connections.items()))
            if len(self._connections) <= self.most_connections and time.monotonic() - since < LONGEST_S:
                return
            del self._connections[number]
            self.stats["connections shut"] += 1
            try:
                with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as connection:  # a duplicate of it
                    connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is gone
                continue

    def stop(self) -> None:
        """Serve no more, and give the address free."""
        self._stopping.set()
        if self.is_alive():
            self.join(10)

    def _close(self) -> None:
        self._socket.disable_monitor()
        self._socket.close(0)
        if self._gate:
            self._gate.stop()
        self._context.destroy(0)


class Shelf(Server):
    """Serves the newest two releases of each model in a folder, and notices a new one within a second.

    It knows only questions, holds no secret but the key of its own encryption, and never reads what a device has.
    """

    def __init__(
        self, folder: str | Path, bind: str = "tcp://127.0.0.1:*", keys: Keys | None = None, **limits: Any
    ) -> None:
        self._folder = Path(folder)
        self._heads: dict[str, tuple[int, bytes]] = {}
        self._chunks: dict[tuple[str, int], list[bytes]] = {}
        self._loading = threading.Lock()
        self.refresh()
        super().__init__(bind, keys, **limits)

    def refresh(self) -> None:
        """Load what is new on disk; from any thread."""
        with self._loading:  # two at once: the slower one would put back the older release that it has read
            for path in sorted(self._folder.glob("*/head")):
                name = path.parent.name
                try:
                    head = read_head(self._folder, name)
                    if not MODEL_NAME.fullmatch(name) or self._heads.get(name, (0, b""))[1] == head:
                        continue
                    stated = json.loads(head[SIGNATURE:])
                    payload, size = read_payload(self._folder, stated), stated["chunk"]
                    version = stated["version"]
                except (OSError, ValueError, LookupError, TypeError, Refused):  # half replaced: again in a second
                    continue
                self._chunks[name, version] = [payload[i : i + size] for i in range(0, len(payload), size)]
                self._heads[name] = version, head
                for old in sorted(key for key in self._chunks if key[0] == name)[:-2]:
                    del self._chunks[old]

    def answer(self, question: tuple[int, str, int, int], more: bytes, who: str | None) -> bytes:
        kind, model, version, chunk = question
        if kind == HEAD and model in self._heads:
            newest, head = self._heads[model]
            return ANSWER.pack(MAGIC, HEAD, newest, 0) + head
        chunks = self._chunks.get((model, version), [])
        if kind == PART and chunk < len(chunks):
            return ANSWER.pack(MAGIC, PART, version, chunk) + chunks[chunk]
        return ANSWER.pack(MAGIC, NONE, version, chunk)


class Inbox(Server):
    """Takes labelled windows from volunteers whose public keys stand in `known`, a file of one key a line.

    A volunteer has one file, and sending again replaces it. All that arrives is in the clear for the cloud.
    """

    largest = LARGEST_MB * 10**6
    waiting = 2

    def __init__(
        self, folder: str | Path, known: str | Path, keys: Keys, n_classes: int, bind: str = "tcp://127.0.0.1:*"
    ) -> None:
        self._folder, self._known, self._n_classes = Path(folder), Path(known), n_classes
        super().__init__(bind, keys, self._is_known, rate=2)

    def _is_known(self, key: bytes) -> bool:
        try:
            return key.decode() in self._known.read_text().split()
        except OSError:
            return False

    def _takes(self, kind: int, n_bytes: int) -> bool:
        return kind == WINDOWS and n_bytes > QUESTION.size

    def answer(self, question: tuple[int, str, int, int], more: bytes, who: str | None) -> bytes:
        try:
            X, y = read_windows(more, self._n_classes)
            name = hashlib.sha256((who or "").encode()).hexdigest()[:16]
            write_whole(self._folder / f"{name}.npz", pack_arrays({"X": X, "y": y}), 0o600)
        except DAMAGED:  # also a full disk
            self.stats["refused: windows"] += 1
            return ANSWER.pack(MAGIC, NONE, 0, 0)
        return ANSWER.pack(MAGIC, WINDOWS, len(y), 0)


def read_windows(packed: bytes, n_classes: int) -> Windows:
    """Windows and labels as a volunteer packed them. Raises one of arrays.DAMAGED for anything else."""
    arrays = load_npz(io.BytesIO(packed), LARGEST_MB)
    X, y = np.asarray(arrays["X"], np.float32), arrays["y"]
    if (
        X.ndim != 2
        or X.shape[1] != len(FEATURE_NAMES)
        or y.shape != X.shape[:1]
        or y.dtype.kind not in "iu"
        or not len(y)
    ):
        raise ValueError(f"windows of shape {X.shape} with labels of shape {y.shape}")
    if np.isinf(X).any() or y.min() < 0 or y.max() >= n_classes:
        raise ValueError("infinite features, or labels of no class")
    return X, y.astype(np.int64)


def with_volunteers(data: ActivityData, inbox: Path) -> ActivityData:
    """The data with everybody whose windows lie in the inbox, as further people."""
    parts = [(data.X, data.y, data.users, data.recordings, data.starts)]
    for number, path in enumerate(sorted(inbox.glob("*.npz")), FIRST_VOLUNTEER):
        X, y = read_windows(path.read_bytes(), len(data.class_names))
        numbers = np.full(len(y), number)
        parts.append((X, y, numbers, numbers, np.arange(len(y))))
    X, y, users, recordings, starts = map(np.concatenate, zip(*parts, strict=True))
    return replace(data, X=X, y=y, users=users, recordings=recordings, starts=starts)


def send_windows(address: str, server_key: str, keys: Keys, model: str, X: np.ndarray, y: np.ndarray) -> int:
    """A volunteer's windows to the inbox; returns how many it took. Raises Refused."""
    packed = pack_arrays({"X": np.asarray(X, np.float32), "y": np.asarray(y, np.int64)})
    with zmq.Context() as context, context.socket(zmq.DEALER) as sender:
        for option in (zmq.RCVTIMEO, zmq.SNDTIMEO):
            sender.setsockopt(option, round(2000 * TIMEOUT_S))
        sender.setsockopt(zmq.LINGER, 0)
        sender.curve_publickey, sender.curve_secretkey = keys
        sender.curve_serverkey = server_key.encode()
        sender.connect(address)
        try:
            sender.send(QUESTION.pack(MAGIC, WINDOWS, model.encode(), 0, 0) + packed)
            _, kind, taken, _ = ANSWER.unpack(sender.recv()[: ANSWER.size])
        except zmq.ZMQError:
            raise Refused("no answer", "or your key is not among those that the cloud knows") from None
    if kind != WINDOWS:
        raise Refused("answer", "the cloud did not take the windows")
    return taken


def _open_files() -> int:
    """How many files this process may have open."""
    try:
        import resource
    except ImportError:  # Windows, where sockets are not counted as files
        return 8192
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 2**20 if limit == resource.RLIM_INFINITY else limit
