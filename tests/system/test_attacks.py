"""Bad clients against a shelf, which goes on serving honest ones; bad shelves against a device, which refuses them."""

import io
import random
import socket
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import zmq

from pmt_helpers.datasets.arrays import pack_arrays
from pmt_helpers.system import Refused, new_signing_key, questions
from pmt_helpers.system.bundle import Release, _canonical, _sha256, check_manifest, open_payload
from pmt_helpers.system.wire import ShelfSource
from tests.system.conftest import PUBLIC, SECRET, Tap, download, network, release

KEYS = zmq.curve_keypair()


@pytest.fixture
def shelf(shelves: Any) -> Any:
    return shelves(release(), keys=KEYS)


def served(shelf: Any, tmp_path: Path) -> bool:
    """Whether an honest device gets its model now."""
    return download(tmp_path / f"honest{time.monotonic_ns()}", shelf.address, KEYS[0]) == 1


def raw(shelf: Any) -> socket.socket:
    host, port = shelf.address.rpartition("/")[2].split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def client(shelf: Any) -> zmq.Socket:
    """A device's socket, to send what no device sends."""
    return ShelfSource(shelf.address, KEYS[0].decode())._socket


def test_random_bytes_on_many_connections(shelf: Any, tmp_path: Path) -> None:
    rng = random.Random(0)
    for _ in range(200):
        with raw(shelf) as connection:
            connection.sendall(rng.randbytes(2000))
    assert served(shelf, tmp_path)
    assert shelf.stats["answered"] == 8


def test_a_client_that_does_not_encrypt(shelf: Any, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no answer"):
        download(tmp_path / "plain", shelf.address, None, timeout_s=0.7)
    assert served(shelf, tmp_path)


def test_frames_that_are_no_questions_and_a_byte_hidden_in_the_padding(shelf: Any, tmp_path: Path) -> None:
    rng, sender = random.Random(0), client(shelf)
    for _ in range(1000):
        sender.send(rng.randbytes(rng.randrange(900)))
    sender.send_multipart([b"a"] * 50)
    sender.send(questions("watch")[0][:-1] + b"\1")
    assert served(shelf, tmp_path)
    _until(lambda: shelf.stats["refused: form"] >= 1002)
    assert (shelf.stats["refused: form"], shelf.stats["answered"]) == (1002, 8)
    sender.close(0)


def test_a_frame_of_200_megabytes_never_arrives(shelf: Any, tmp_path: Path) -> None:
    before, sender = psutil.Process().memory_info().rss, client(shelf)
    big = bytes(200 << 20)
    sender.send(big, copy=False)
    assert served(shelf, tmp_path)
    assert shelf.stats["refused: form"] == 0
    assert psutil.Process().memory_info().rss - before < 250e6  # the sender's own bytes, once
    sender.close(0)


def test_silent_connections_and_a_byte_at_a_time_are_cut(shelf: Any, tmp_path: Path) -> None:
    silent = [raw(shelf) for _ in range(300)]
    for connection in silent[::2]:
        connection.sendall(b"\xff")
    trickle = raw(shelf)
    assert served(shelf, tmp_path)
    cut = False
    for _ in range(200):
        try:
            trickle.sendall(b"\xff")
            trickle.settimeout(0.15)
            cut = not trickle.recv(100)
        except TimeoutError:
            continue
        except OSError:
            cut = True
        if cut:
            break
    assert cut
    _until(lambda: not shelf._connections)
    assert served(shelf, tmp_path)


def test_more_idle_connections_than_are_kept_the_oldest_go(shelves: Any, tmp_path: Path) -> None:
    shelf = shelves(release(), most_connections=20)
    idle = [ShelfSource(shelf.address)._socket for _ in range(60)]
    _until(lambda: shelf.stats["connections shut"] >= 40)
    assert download(tmp_path / "honest", shelf.address) == 1
    assert shelf.stats["connections shut"] >= 40
    assert len(shelf._connections) <= 20
    for sender in idle:
        sender.close(0)


def test_a_recorded_session_played_again(shelf: Any, tmp_path: Path) -> None:
    tap = Tap(shelf.address)
    assert download(tmp_path / "d", tap.address, KEYS[0]) == 1
    tap.close()
    with raw(shelf) as connection:
        connection.settimeout(1)
        connection.sendall(tap.up[0])
        try:
            while connection.recv(65536):
                pass
        except OSError:
            pass
    assert shelf.stats["answered"] == 8
    assert served(shelf, tmp_path)


def test_a_flood_of_questions_is_answered_at_a_rate(shelves: Any, tmp_path: Path) -> None:
    shelf = shelves(release(), keys=KEYS, rate=50)
    sender, question, sent = client(shelf), questions("watch")[0], 0
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        try:
            sender.send(question, zmq.NOBLOCK)
            sent += 1
        except zmq.Again:
            time.sleep(0.001)
    assert served(shelf, tmp_path)
    assert shelf.stats["refused: rate"] > 100
    assert shelf.stats["answered"] < 50 + 50 * 10
    sender.close(0)


def test_clients_that_ask_and_never_read_hold_little_memory(shelves: Any, tmp_path: Path) -> None:
    shelf = shelves(release(), rate=10**6)
    stated = check_manifest(*release()[:2], PUBLIC, "watch")
    context, senders = zmq.Context(), []
    for _ in range(100):
        senders.append(sender := context.socket(zmq.DEALER))
        sender.set_hwm(1)
        sender.setsockopt(zmq.RCVBUF, 4096)
        sender.setsockopt(zmq.LINGER, 0)
        sender.connect(shelf.address)
    before = psutil.Process().memory_info().rss
    for _ in range(100):
        for sender in senders:
            try:
                sender.send(questions("watch", stated)[0], zmq.NOBLOCK)
            except zmq.Again:
                continue
    assert download(tmp_path / "honest", shelf.address) == 1
    assert shelf.stats["answered"] > 1000
    assert psutil.Process().memory_info().rss - before < 100e6
    context.destroy(0)


def _until(condition: Any, seconds: float = 30) -> None:
    stop = time.monotonic() + seconds
    while not condition() and time.monotonic() < stop:
        time.sleep(0.02)


# --- Bad shelves


def resigned(**changes: Any) -> Release:
    """The cloud's own key under a manifest that states other things."""
    import json

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    honest = release()
    manifest = _canonical({**json.loads(honest.manifest), **changes})
    return Release(manifest, Ed25519PrivateKey.from_private_bytes(SECRET).sign(manifest), honest.payload)


GOOD, POISONED = release(3), release(3, secret=new_signing_key()[0], model=network(9))
BAD = {
    "a poisoned model, signed with another key": (POISONED, "signature"),
    "a poisoned model under the true manifest": (GOOD._replace(payload=POISONED.payload), "chunk"),
    "two chunks exchanged": (
        GOOD._replace(payload=GOOD.payload[4096:8192] + GOOD.payload[:4096] + GOOD.payload[8192:]), "chunk"),
    "one bit of the signature": (
        GOOD._replace(signature=bytes([GOOD.signature[0] ^ 1]) + GOOD.signature[1:]), "signature"),
    "a model that expired": (release(3, expires=date.today() - timedelta(days=1)), "expired"),
    "a manifest without a field": (resigned(chunks="none"), "model"),
    "more bytes than a model can have": (resigned(bytes=10**9), "size"),
    "a version beyond the wire's numbers": (resigned(version=2**40), "version"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_device_refuses(what: str, shelves: Any, tmp_path: Path) -> None:
    bad, why = BAD[what]
    shelf = shelves()
    shelf._chunks["watch", 3] = [bad.payload[i : i + 4096] for i in range(0, len(bad.payload), 4096)]
    shelf._heads["watch"] = 3, bad.signature + bad.manifest  # an honest one would not load all of these
    with pytest.raises(Refused) as error:
        download(tmp_path / "device", shelf.address)
    assert error.value.why == why
    assert not (tmp_path / "device" / "watch" / "head").exists()
    assert download(tmp_path / "device", shelves(GOOD).address) == 3  # and takes the true one after it


def test_a_truly_signed_older_version_and_another_one_of_the_same(shelves: Any, tmp_path: Path) -> None:
    device = tmp_path / "device"
    assert download(device, shelves(release(3)).address) == 3
    for old in (release(2), release(3, model=network(8))):
        with pytest.raises(Refused, match="version"):
            download(device, shelves(old).address)
    assert download(device, shelves(release(3)).address) is None
    assert download(device, shelves(release(4)).address) == 4


def test_a_machine_in_the_middle(shelves: Any, tmp_path: Path) -> None:
    middle = shelves(release(), keys=zmq.curve_keypair())
    with pytest.raises(Refused, match="no answer"):
        download(tmp_path / "device", middle.address, KEYS[0], timeout_s=0.7)


@pytest.mark.parametrize("keys", [None, KEYS])
def test_a_bit_flipped_on_the_way(keys: Any, shelves: Any, tmp_path: Path) -> None:
    tap = Tap(shelves(release(), keys=keys).address, flip_at=9000)
    with pytest.raises(Refused) as error:
        download(tmp_path / "device", tap.address, keys and keys[0], timeout_s=0.7 if keys else 5)
    assert error.value.why == ("no answer" if keys else "chunk")
    tap.close()


def signed(arrays: bytes) -> tuple[dict[str, Any], bytes]:
    """What a device would open if the cloud itself signed such arrays."""
    card = release().payload[: check_manifest(*release()[:2], PUBLIC, "watch")["card_bytes"]]
    stated = check_manifest(*release()[:2], PUBLIC, "watch") | {"card": _sha256(card), "arrays": _sha256(arrays)}
    return stated, card + arrays


def packed(**changes: Any) -> bytes:
    return pack_arrays({**network().arrays(), **changes})


def pickled() -> bytes:
    out = io.BytesIO()
    np.savez(out, hidden_kernel=np.array([{}], dtype=object), allow_pickle=True)
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, hidden_kernel=np.zeros(60_000_000, np.float32))
    return out.getvalue()


@pytest.mark.parametrize("arrays", [
    pytest.param(pickled, id="a pickle"),
    pytest.param(bomb, id="240 MB out of a few kB"),
    pytest.param(lambda: packed()[:9000], id="half a file"),
    pytest.param(lambda: packed(hidden_bias=np.zeros(127, "f4")), id="another shape"),
    pytest.param(lambda: packed(hidden_bias=np.full(128, np.nan, "f4")), id="not a number"),
    pytest.param(lambda: packed(more=np.zeros(3, "f4")), id="one array more"),
    pytest.param(lambda: b"", id="nothing"),
])  # fmt: skip
def test_arrays_that_are_no_model_are_refused_even_when_signed(arrays: Any) -> None:
    assert open_payload(*signed(packed()))[0].weights.n_features == 43
    before = psutil.Process().memory_info().rss
    content = arrays()
    with pytest.raises(Refused, match="damaged"):
        open_payload(*signed(content))
    assert psutil.Process().memory_info().rss - before < 300e6
