"""The audit of a device: does anything that it sends depend on its owner's data? Notebook 07.

The same device program runs on several people's data. What it says is recorded twice: before encryption, and on the
wire, where an encrypted connection still shows how many bytes go up and when. What is the same for everybody tells
nothing about anybody. An audit is evidence, not proof: CANNOT_FIND says why.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import zmq
from tqdm.auto import tqdm

from pmt_helpers.activity.weights import Checkpoint, Preprocessor, Weights, Windows
from pmt_helpers.system.bundle import ABOUT, Refused, make_release, new_signing_key
from pmt_helpers.system.cloud import Shelf
from pmt_helpers.system.device import write_private
from pmt_helpers.system.visits import Plan
from pmt_helpers.system.wire import QUESTION, open_source, questions

if TYPE_CHECKING:
    import pandas as pd

Ask = Callable[[bytes], bytes]
Behaviour = Callable[[Ask, list[bytes], np.ndarray], None]

RUNS = 3  # of each device on each person's data: a device may differ from run to run by itself
REGROUPINGS = 200  # of the honest device's runs on one and the same data, for the tolerance of times
WIRE = {False: "plain wire", True: "encrypted wire"}
CANNOT_FIND = (
    "what a device does only on data that was not tried, or only on a later day",
    "bits of a message that goes out encrypted, where nobody can record it before encryption",
    "waits shorter than the tolerance of times: many visits together still tell a bit",
    "what leaves by another way than the connection that was recorded",
)


class Recording(NamedTuple):
    """What one run of a device sent, as it was recorded before encryption and on the wire.

    messages: before encryption, in order; seconds: when each was sent, from the start of the run; both are empty where
    only the wire was seen. wire: all bytes that went up, by connection; wire_seconds: when each connection's first and
    last bytes went up.
    """

    messages: tuple[bytes, ...]
    seconds: tuple[float, ...]
    wire: tuple[bytes, ...]
    wire_seconds: tuple[float, ...]


class Tap:
    """A relay on loopback in front of a shelf that notes what goes up, by connection. `address` is its own."""

    def __init__(self, address: str) -> None:
        host, port = address.removeprefix("tcp://").rsplit(":", 1)
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)  # closing it does not wake up who waits for it
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._up: list[list[tuple[float, bytes]]] = []
        self._relays: list[threading.Thread] = []
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def take(self) -> list[list[tuple[float, bytes]]]:
        """Wait for the end of all connections; returns time and bytes of all that went up, and begins anew."""
        for relay in self._relays:
            relay.join(5)
        seen, self._up, self._relays = self._up, [], []
        return seen

    def close(self) -> None:
        self._open = False

    def _accept(self) -> None:
        with self._listener:
            while self._open:
                try:
                    device, _ = self._listener.accept()
                except TimeoutError:
                    continue
                device.settimeout(None)
                shelf = socket.create_connection(self._target)
                for end in (device, shelf):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else small parts wait up to 40 ms
                up: list[tuple[float, bytes]] = []
                ways = [threading.Thread(target=_relay, args=way, daemon=True)
                        for way in ((device, shelf, up), (shelf, device, []))]  # fmt: skip
                self._up.append(up)
                self._relays += ways
                for way in ways:
                    way.start()


def _relay(source: socket.socket, target: socket.socket, seen: list[tuple[float, bytes]]) -> None:
    try:
        while part := source.recv(65536):
            seen.append((time.monotonic(), part))
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:  # one side is gone
        pass


def honest(ask: Ask, questions: list[bytes], labels: np.ndarray) -> None:
    """Asks every question, in order. The labels are not used."""
    for question in questions:
        ask(question)


def spells_in_the_order(ask: Ask, questions: list[bytes], labels: np.ndarray) -> None:
    """The order of the chunks tells the first three labels: the cloud tries all of them until the order fits."""
    ask(questions[0])
    for i in np.random.default_rng(labels[:3]).permutation(len(questions) - 1):
        ask(questions[1 + i])


def spells_in_the_version(ask: Ask, questions: list[bytes], labels: np.ndarray) -> None:
    """The first question has a field for a version, which the shelf does not read: it holds the first label."""
    ask(questions[0][:27] + bytes([labels[0]]) + questions[0][28:])
    for question in questions[1:]:
        ask(question)


def asks_again(ask: Ask, questions: list[bytes], labels: np.ndarray) -> None:
    """Asks for the first chunk again when the first label is odd, as a device that was not happy with a model might."""
    honest(ask, questions, labels)
    if labels[0] % 2:
        ask(questions[1])


def waits(ask: Ask, questions: list[bytes], labels: np.ndarray) -> None:
    """Waits a quarter of a second before it goes on when the first label is odd; what it sends is what all send."""
    ask(questions[0])
    time.sleep(0.25 * (labels[0] % 2))
    for question in questions[1:]:
        ask(question)


DEVICES: dict[str, Behaviour] = {
    "honest": honest, "order of chunks": spells_in_the_order, "version field": spells_in_the_version,
    "asks again": asks_again, "waits": waits,
}  # fmt: skip


def audit_devices(
    devices: Mapping[str, Behaviour], private_sets: Sequence[np.ndarray], encrypted: bool = True
) -> "pd.DataFrame":
    """Run each device three times on each person's labels against a shelf on loopback, and compare what it sent.

    Parameters
    ----------
    devices: behave(ask, questions, labels) by name, such as DEVICES. `ask` sends a question of 64 bytes and returns the
        answer's bytes (none where the shelf has no answer); `questions` are those of an honest visit.
    private_sets: labels of two or more people.
    encrypted: whether the wire is.

    Returns the rows of compare_recordings for each device, under its name in `device`. Raises ValueError for fewer
    people, and for a question of another length.
    """
    import pandas as pd

    if len(private_sets) < 2:
        raise ValueError(f"private_sets must be of two or more people, to compare them; got {len(private_sets)}")
    runs: dict[str, list[list[Recording]]] = {name: [[] for _ in private_sets] for name in devices}
    same_data: list[Recording] = []
    with _recorder(encrypted) as record, tqdm(total=RUNS * len(private_sets), desc="audit", leave=False) as bar:
        record(honest, private_sets[0])  # the first run is slower than all others
        for _ in range(RUNS):  # in turns, so that a busy second of this machine does not fall on one person
            for person, labels in enumerate(private_sets):
                same_data.append(record(honest, private_sets[0]))
                for name, behave in devices.items():
                    runs[name][person].append(record(behave, labels))
                bar.update()
    return pd.concat(
        [compare_recordings(of, same_data, encrypted).assign(device=name) for name, of in runs.items()],
        ignore_index=True,
    )[["device", "place", "channel", "verdict", "difference_s", "tolerance_s"]]


def compare_recordings(
    recordings: Sequence[Sequence[Recording]], same_data: Sequence[Recording] = (), encrypted: bool = False
) -> "pd.DataFrame":
    """Which channels are the same for all people, of one device program's recordings.

    Parameters
    ----------
    recordings: two or more runs for each of two or more people.
    same_data: as many runs of the honest device or more, all on the same data. Their times differ by the machine's
        jitter alone, and the largest difference between groups of them is the tolerance; without them times are left.
    encrypted: whether the wire was.

    Returns a row for each place (before encryption, and the wire) and channel (number of messages or connections; their
    lengths; their bytes, in order; times): verdict is same, differs (between people) or random (between two runs on the
    same data as well: what an encrypted wire's bytes do, and an honest device's messages never), and for times
    difference_s (the largest between two people, each one's fastest run) and tolerance_s.
    Raises ValueError for fewer people or runs.
    """
    import pandas as pd

    n_runs = [len(runs) for runs in recordings]
    if len(n_runs) < 2 or min(n_runs) < 2:
        raise ValueError(f"recordings must be two or more runs for each of two or more people; got {n_runs} runs")
    if 0 < len(same_data) < sum(n_runs):
        raise ValueError(f"same_data must be {sum(n_runs)} runs or more, as many as recordings; got {len(same_data)}")
    places: dict[str, Callable[[Recording], tuple[tuple[bytes, ...], tuple[float, ...]]]] = {
        "before encryption": lambda run: (run.messages, run.seconds), WIRE[encrypted]: lambda run: run[2:]
    }  # fmt: skip
    channels: dict[str, Callable[[tuple[bytes, ...]], Any]] = {
        "number": len, "lengths": lambda parts: tuple(map(len, parts)), "bytes": lambda parts: parts
    }  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for place, of in places.items():
        sent = [[of(run)[0] for run in runs] for runs in recordings]
        if not any(map(any, sent)):  # only the wire was seen
            continue
        for channel, look in channels.items():
            seen = [{look(parts) for parts in runs} for runs in sent]
            verdict = "random" if max(map(len, seen)) > 1 else "same" if len(set.union(*seen)) == 1 else "differs"
            rows.append((place, channel, verdict, np.nan, np.nan))
        if same_data:
            difference = _largest_difference([[of(run)[1] for run in runs] for runs in recordings])
            tolerance = _tolerance([of(run)[1] for run in same_data], n_runs)
            verdict = "same" if difference <= tolerance else "differs"  # not a number: other numbers of them
            rows.append((place, "times", verdict, difference, tolerance))
    return pd.DataFrame(rows, columns=["place", "channel", "verdict", "difference_s", "tolerance_s"])


def _largest_difference(times: Sequence[Sequence[Sequence[float]]]) -> float:
    """Between two people at any message, in seconds; of each person's runs the fastest: a busy machine only delays."""
    if len({len(run) for runs in times for run in runs}) > 1:
        return np.nan
    return float(np.ptp([np.min(runs, axis=0) for runs in times], axis=0).max(initial=0))


def _tolerance(times: Sequence[Sequence[float]], n_runs: Sequence[int]) -> float:
    """The largest difference when runs on the same data are put at random into groups, as if each were a person."""
    rng, ends = np.random.default_rng(0), np.cumsum(n_runs)
    orders = (rng.permutation(len(times))[: ends[-1]] for _ in range(REGROUPINGS))
    groups = ([[times[i] for i in group] for group in np.split(order, ends[:-1])] for order in orders)
    return max(map(_largest_difference, groups))


def share_read(
    behave: Behaviour, read_bit: Callable[[Recording], int], trials: int = 20, seed: int = 0
) -> float:  # fmt: skip
    """How often a cloud reads a hidden bit, whether the first label is odd, from one visit; 0.5 is guessing.

    behave: as for audit_devices; it is given random labels from 0 to 5. read_bit: the bit, 0 or 1, from a Recording,
    of which the cloud knows everything: it is who decrypts.
    """
    rng = np.random.default_rng(seed)
    with _recorder(encrypted=True) as record:
        sets = [rng.permutation(np.r_[i % 2, rng.integers(0, 6, 19)]) for i in range(trials)]
        right = [read_bit(record(behave, labels)) == labels[0] % 2 for labels in sets]
    return float(np.mean(right))


def audit_processes(people: Sequence[dict[str, Windows]], encrypted: bool = True) -> "pd.DataFrame":
    """The same comparison for the real device: its processes visit three times and retrain meanwhile, twice a person.

    On a plain wire the tap sees all that is sent before encryption. The tolerance of times is that of the same processes
    on the first person's windows. people: windows by part, as Device takes them, of two or more people.
    Returns the rows of compare_recordings. Raises CalledProcessError when a device fails.
    """
    n, first = len(people), people[0]
    n_classes = 1 + max(int(y.max()) for person in people for _, y in person.values())
    at_once = [*people, *[first] * n]  # so that a busy second of this machine falls on all of them
    with _open_shelf(encrypted, first["train"][0].shape[1], n_classes) as shelf, ThreadPoolExecutor(2 * n) as pool:
        runs = pool.map(partial(_record_process, shelf), at_once * 2)
        seen = list(tqdm(runs, desc="audit", total=4 * n, leave=False))
    same_data = seen[n : 2 * n] + seen[3 * n :]
    return compare_recordings([seen[i :: 2 * n] for i in range(n)], same_data, encrypted)


class _OpenShelf(NamedTuple):
    address: str
    public_key: bytes
    server_key: str | None
    questions: list[bytes]


@contextmanager
def _open_shelf(encrypted: bool, n_features: int = 43, n_classes: int = 6) -> Iterator[_OpenShelf]:
    """A shelf on loopback with a release of a network that nobody trained."""
    keys = zmq.curve_keypair() if encrypted else None
    secret, public = new_signing_key()
    names = [f"class {i}" for i in range(n_classes)], [f"feature {i}" for i in range(n_features)]
    about = dict(zip(ABOUT, ("none", 10.0, 20.0, "m/s2 with gravity", *names), strict=True))
    weights = Weights.initial(n_features, n_classes, "he", np.random.default_rng(0))
    model = Checkpoint(weights, Preprocessor(np.zeros(n_features, np.float32), np.ones(n_features, np.float32)))
    expires = date.today() + timedelta(days=2)
    release = make_release(model, about, name="audit", version=1, expires=expires, signing_key=secret)
    with tempfile.TemporaryDirectory() as folder:
        release.write(Path(folder))
        shelf = Shelf(folder, keys=keys)
        shelf.start()
        try:
            asked = questions("audit") + questions("audit", json.loads(release.manifest))
            yield _OpenShelf(shelf.address, public, keys[0].decode() if keys else None, asked)
        finally:
            shelf.stop()


@contextmanager
def _recorder(encrypted: bool) -> Iterator[Callable[[Behaviour, np.ndarray], Recording]]:
    """A function that runs a device once and returns its recording."""
    with _open_shelf(encrypted) as shelf:
        tap = Tap(shelf.address)

        def record(behave: Behaviour, labels: np.ndarray) -> Recording:
            source = open_source(tap.address, shelf.server_key, timeout_s=1.0)
            sent: list[tuple[float, bytes]] = []

            def ask(question: bytes) -> bytes:
                if not isinstance(question, bytes) or len(question) != QUESTION.size:
                    raise ValueError(f"a question is {QUESTION.size} bytes; this device sent {str(question)[:80]}")
                sent.append((time.monotonic(), question))
                try:
                    return source.ask(question)
                except Refused:
                    return b""

            start = time.monotonic()
            try:
                behave(ask, list(shelf.questions), labels)
            finally:
                source.close()
            return _recording(sent, tap.take(), start)

        try:
            yield record
        finally:
            tap.close()


def _record_process(shelf: _OpenShelf, windows: dict[str, Windows]) -> Recording:
    tap = Tap(shelf.address)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "windows.npz"
        write_private(place, windows)
        keys = shelf.public_key.hex(), shelf.server_key
        plan = Plan(str(Path(folder) / "public"), tap.address, "audit", *keys, every_s=1.0, visits=3)
        told = json.dumps({"plan": plan._asdict(), "windows": str(place)})
        subprocess.run([sys.executable, "-m", "pmt_helpers.system.device", told], check=True, stdout=subprocess.PIPE)
    seen = tap.take()
    tap.close()
    return _recording([], seen, seen[0][0][0])


def _recording(
    sent: Sequence[tuple[float, bytes]], seen: Sequence[Sequence[tuple[float, bytes]]], start: float
) -> Recording:
    seen = [up for up in seen if up]
    return Recording(
        tuple(message for _, message in sent),
        tuple(when - start for when, _ in sent),
        tuple(b"".join(part for _, part in up) for up in seen),
        tuple(when - start for up in seen for when in (up[0][0], up[-1][0])),
    )
