"""The audit of a device: does anything that it sends depend on its owner's data? Notebook 07.

One device program runs on several people's data. What it sends is recorded before encryption, and by a tap on the wire,
where an encrypted connection still shows how many bytes go up and when. What is the same for everybody says nothing
about anybody. This is evidence, not proof (CANNOT_FIND): the proof is that wire.questions is given no data.
"""

import json
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, timedelta
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

Behaviour = Callable[[Callable[[bytes], bytes], list[bytes], np.ndarray], None]
Sent = list[tuple[float, bytes]]  # when and what

RUNS = 8  # on each of four people: chance makes all eight of one slow, and times differ, in 4 of 4 ** 8 audits
LEAST_S = 0.01  # tolerance at least: one more message takes a millisecond or two, which a quiet machine may tell or not
CANNOT_FIND = (
    "what a device does only on data that was not tried, or only on a later day",
    "what is inside encrypted messages, where nobody can record them before encryption",
    "waits that are shorter than the tolerance: the cloud may read them all the same",
    "what leaves by another way than the connections that were recorded",
)


class Recording(NamedTuple):
    """What a device sent in one run.

    messages: before encryption, in order; seconds: when, from the start. Both are empty where only the wire was seen.
    wire: all bytes that went up, one entry per connection; wire_seconds: when its first and its last bytes did.
    """

    messages: tuple[bytes, ...]
    seconds: tuple[float, ...]
    wire: tuple[bytes, ...]
    wire_seconds: tuple[float, ...]


class Tap(socketserver.ThreadingTCPServer):
    """A relay on loopback in front of a shelf that notes what goes up, by connection, until its `with` block ends."""

    def __init__(self, address: str) -> None:
        host, port = address.removeprefix("tcp://").rsplit(":", 1)
        self._shelf, self.up = (host, int(port)), list[Sent]()
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.address = f"tcp://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        up: Sent = []
        self.up.append(up)
        with suppress(OSError), socket.create_connection(self._shelf) as shelf:
            for end in (request, shelf):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else small parts wait for up to 40 ms
            threading.Thread(target=_relay, args=(shelf, request, []), daemon=True).start()
            _relay(request, shelf, up)

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()  # when all that was on its way has passed


def _relay(source: socket.socket, target: socket.socket, seen: Sent) -> None:
    with suppress(OSError):  # one side is gone
        while part := source.recv(65536):
            seen.append((time.monotonic(), part))
            target.sendall(part)


def honest(ask: Any, questions: list[bytes], labels: np.ndarray) -> None:
    """Asks every question, in order. The labels are not used."""
    for question in questions:
        ask(question)


def order_of_pieces(ask: Any, questions: list[bytes], labels: np.ndarray) -> None:
    """The order tells the first three labels: the cloud tries all of them until the order fits."""
    order = np.random.default_rng(labels[:3]).permutation(len(questions) - 1)
    honest(ask, [questions[0], *(questions[1 + i] for i in order)], labels)


def version_field(ask: Any, questions: list[bytes], labels: np.ndarray) -> None:
    """The first question has a field for a version, which no shelf reads: it holds the first label."""
    honest(ask, [questions[0][:27] + bytes([labels[0] % 256]) + questions[0][28:], *questions[1:]], labels)


def asks_again(ask: Any, questions: list[bytes], labels: np.ndarray) -> None:
    """Asks once more when the first label is odd, as a device might that is not happy with a model."""
    honest(ask, questions + questions[1:2] * (labels[0] % 2), labels)


def waits(ask: Any, questions: list[bytes], labels: np.ndarray) -> None:
    """Sends what all send, but waits a quarter of a second after the first question when the first label is odd."""
    ask(questions[0])
    time.sleep(0.25 * (labels[0] % 2))
    honest(ask, questions[1:], labels)


DEVICES: dict[str, Behaviour] = {
    "honest": honest, "order of pieces": order_of_pieces, "version field": version_field, "asks again": asks_again,
    "waits": waits,
}  # fmt: skip


def audit_devices(
    devices: Mapping[str, Behaviour], private_sets: Sequence[np.ndarray], encrypted: bool = True
) -> "pd.DataFrame":
    """Run each device eight times on each person's labels, against a shelf on loopback, and compare what it sent.

    Parameters
    ----------
    devices: by name, behave(ask, questions, labels), as in DEVICES. `questions` are those of an honest visit; `ask`
        sends one, 64 bytes, and returns the answer (no bytes where the shelf has none).
    private_sets: labels of two or more people.
    encrypted: whether the wire is.

    Returns the rows of compare_recordings for each device, whose name is in `device`. Raises ValueError for fewer
    people or three labels, and for a question of another length.
    """
    import pandas as pd

    if len(private_sets) < 2 or min(map(len, private_sets)) < 3:
        raise ValueError("private_sets must be labels of two or more people, three or more of each")
    runs: dict[str, list[list[Recording]]] = {name: [[] for _ in private_sets] for name in devices}
    same_data = []
    with _open_shelf(encrypted) as (plan, asked):
        _record(plan, asked, honest, private_sets[0])  # the first run is slower than all others
        for i in tqdm(range(RUNS * len(private_sets)), desc="audit", leave=False):
            person = i % len(private_sets)  # in turns, so that a busy second of this machine falls on all
            same_data.append(_record(plan, asked, honest, private_sets[0]))
            for name, behave in devices.items():
                runs[name][person].append(_record(plan, asked, behave, private_sets[person]))
    tables = [compare_recordings(of_people, same_data).assign(device=name) for name, of_people in runs.items()]
    return pd.concat(tables, ignore_index=True)[["device", *tables[0].columns[:-1]]]


def audit_processes(people: Sequence[dict[str, Windows]], encrypted: bool = True) -> "pd.DataFrame":
    """The same for the real device: twice for each person, its processes visit two times and retrain meanwhile.

    people: windows by part, as Device takes them, of two or more people. On a plain wire the tap sees all that is sent.
    Returns the rows of compare_recordings, without a tolerance of times. Raises RuntimeError when a device fails.
    """
    n = len(people)
    n_classes = 1 + max(int(y.max()) for person in people for _, y in person.values())
    with (
        _open_shelf(encrypted, people[0]["train"][0].shape[1], n_classes) as (plan, _),
        ThreadPoolExecutor(4) as pool,
    ):
        jobs = pool.map(_record_process, [plan] * 2 * n, [*people] * 2, [_classes(n_classes)] * 2 * n)
        runs = list(tqdm(jobs, desc="audit", total=2 * n, leave=False))
    return compare_recordings([runs[i::n] for i in range(n)])


def compare_recordings(
    recordings: Sequence[Sequence[Recording]], same_data: Sequence[Recording] = ()
) -> "pd.DataFrame":  # fmt: skip
    """Which channels are the same for all people, in recordings of one device program.

    Parameters
    ----------
    recordings: two or more runs for each of two or more people.
    same_data: at least as many runs of an honest device, all on the same data. Their times differ by chance alone; if
        all the slowest of them fell on one person, they would differ by the tolerance (LEAST_S or more).

    Returns a row for each place (before encryption, on the wire) and channel (number of messages or connections,
    lengths, bytes, times). verdict: same; differs, between people; or random, from run to run on the same data too, as
    an encrypted wire's bytes do and an honest device's messages never. Of times, difference_s is the largest between
    two people's fastest runs (NaN where their numbers differ): above tolerance_s they differ, without one it is not
    judged.
    Raises ValueError for fewer people or runs.
    """
    import pandas as pd

    n_runs = [len(runs) for runs in recordings]
    if len(n_runs) < 2 or min(n_runs) < 2:
        raise ValueError(f"recordings must be two or more runs for each of two or more people; got {n_runs} runs")
    if 0 < len(same_data) < sum(n_runs):
        raise ValueError(f"same_data must be {sum(n_runs)} runs or more, as many as recordings; got {len(same_data)}")
    rows: list[tuple[Any, ...]] = []
    for place, sent, times in (("before encryption", "messages", "seconds"), ("on the wire", "wire", "wire_seconds")):
        parts: list[list[tuple[bytes, ...]]] = [[getattr(run, sent) for run in runs] for runs in recordings]
        if not any(map(any, parts)):  # only the wire was seen
            continue
        lengths = [[tuple(map(len, run)) for run in runs] for runs in parts]
        numbers = [[len(run) for run in runs] for runs in parts]
        for channel, values in (("number", numbers), ("lengths", lengths), ("bytes", parts)):
            seen: list[set[Any]] = [set(runs) for runs in values]
            verdict = "random" if max(map(len, seen)) > 1 else "same" if len(set.union(*seen)) == 1 else "differs"
            rows.append((place, channel, verdict, np.nan, np.nan))
        fastest = [_sorted(runs, times)[0] for runs in recordings]  # a busy machine only delays
        difference = np.nan
        if len({len(person) for person in fastest}) == 1:
            difference = float(np.ptp(fastest, axis=0).max(initial=0))
        verdict, tolerance = "not judged", np.nan
        if same_data:
            honest_times = _sorted(same_data, times)
            tolerance = float((honest_times[-min(n_runs)] - honest_times[0]).max(initial=LEAST_S))
            verdict = "same" if difference <= tolerance else "differs"
        rows.append((place, "times", verdict, difference, tolerance))
    return pd.DataFrame(rows, columns=["place", "channel", "verdict", "difference_s", "tolerance_s"])


def _sorted(runs: Sequence[Recording], times: str) -> np.ndarray:
    """Of each message the times in all runs, the earliest first; NaN where the runs have different numbers of them."""
    seconds = [getattr(run, times) for run in runs]
    return np.sort(seconds, axis=0) if len(set(map(len, seconds))) == 1 else np.full((len(runs), 1), np.nan)


def share_read(behave: Behaviour, read_bit: Callable[[Recording], int], trials: int = 20, seed: int = 0) -> float:
    """How often the cloud learns from one visit whether the first label is odd; guessing gives about 0.5.

    behave: as for audit_devices; it is given 20 labels from 0 to 5, drawn at random. read_bit: 0 or 1, from a Recording
    of which the cloud, at the other end of the encryption, knows messages and times.
    """
    rng = np.random.default_rng(seed)
    with _open_shelf(encrypted=True) as (plan, asked):
        sets = rng.integers(0, 6, (trials, 20))
        return float(np.mean([read_bit(_record(plan, asked, behave, y)) == y[0] % 2 for y in sets]))


@contextmanager
def _open_shelf(encrypted: bool, n_features: int = 43, n_classes: int = 6) -> Iterator[tuple[Plan, list[bytes]]]:
    """A shelf on loopback with a network that nobody trained; a plan of visits to it, and the questions of one."""
    keys = zmq.curve_keypair() if encrypted else None
    secret, public = new_signing_key()
    names = _classes(n_classes), [f"feature {i}" for i in range(n_features)]
    about = dict(zip(ABOUT, ("none", 10.0, 20.0, "m/s2 with gravity", *names), strict=True))
    scaler = Preprocessor(np.zeros(n_features, np.float32), np.ones(n_features, np.float32))
    model = Checkpoint(Weights.initial(n_features, n_classes, "he", np.random.default_rng(0)), scaler)
    expires = date.today() + timedelta(days=2)
    release = make_release(model, about, name="audit", version=1, expires=expires, signing_key=secret)
    with tempfile.TemporaryDirectory() as folder:
        release.write(Path(folder))
        shelf = Shelf(folder, keys=keys)
        shelf.start()
        try:
            told = shelf.address, "audit", public.hex(), keys[0].decode() if keys else None
            asked = questions("audit") + questions("audit", json.loads(release.manifest))
            yield Plan(folder, *told, every_s=2.0, visits=2, timeout_s=2.0), asked
        finally:
            shelf.stop()


def _record(plan: Plan, asked: list[bytes], behave: Behaviour, labels: np.ndarray) -> Recording:
    sent: Sent = []

    def ask(question: bytes) -> bytes:
        if not isinstance(question, bytes) or len(question) != QUESTION.size:
            raise ValueError(f"a question is {QUESTION.size} bytes; this device asked {str(question)[:80]}")
        sent.append((time.monotonic(), question))
        try:
            return source.ask(question)
        except Refused:
            return b""

    with Tap(plan.address) as tap:
        source = open_source(tap.address, plan.server_key, plan.timeout_s)
        start = time.monotonic()
        try:
            behave(ask, list(asked), labels.copy())
        finally:
            source.close()
    return _recording(sent, tap.up, start)


def _classes(n: int) -> list[str]:
    return [f"class {i}" for i in range(n)]


def _record_process(plan: Plan, windows: dict[str, Windows], class_names: list[str]) -> Recording:
    with tempfile.TemporaryDirectory() as folder, Tap(plan.address) as tap:
        place = Path(folder) / "windows.npz"
        write_private(place, windows, class_names)
        mine = plan._replace(folder=str(Path(folder) / "public"), address=tap.address, timeout_s=5.0)
        told = json.dumps({"plan": mine._asdict(), "windows": str(place)})
        command = [sys.executable, "-m", "pmt_helpers.system.device", told]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"a device failed: {ended.stderr[-2000:]}")
    return _recording([], tap.up, tap.up[0][0][0])


def _recording(sent: Sent, connections: list[Sent], start: float) -> Recording:
    up = [parts for parts in connections if parts]
    return Recording(
        tuple(message for _, message in sent),
        tuple(when - start for when, _ in sent),
        tuple(b"".join(part for _, part in parts) for parts in up),
        tuple(when - start for parts in up for when in (parts[0][0], parts[-1][0])),
    )
