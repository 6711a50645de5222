"""A small signed model, shelves, and a tap on the wire that can cut it or flip a bit."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pmt_helpers.activity.weights import Checkpoint, Preprocessor, Weights
from pmt_helpers.system import Release, Shelf, fetch, make_release, new_signing_key, open_source

SECRET, PUBLIC = new_signing_key()
ABOUT = {
    "dataset": "watch", "window_s": 5.0, "rate_hz": 50.0, "units": "m/s2 with gravity",
    "class_names": list("abcdef"), "feature_names": [f"f{i}" for i in range(43)],
}  # fmt: skip
NEXT_YEAR = date.today() + timedelta(days=365)


def network(seed: int = 1) -> Checkpoint:
    """Random weights of the true size."""
    rng = np.random.default_rng(seed)
    return Checkpoint(Weights.initial(43, 6, "he", rng), Preprocessor(np.zeros(43, "f4"), np.ones(43, "f4")))


def release(version: int = 1, *, secret: bytes = SECRET, expires: date = NEXT_YEAR, **more: Any) -> Release:
    return make_release(
        more.pop("model", network(version)), more.pop("about", ABOUT), name="watch", version=version, expires=expires,
        signing_key=secret,
    )  # fmt: skip


def download(folder: Path, address: str, key: bytes | None = None, timeout_s: float = 5.0) -> int | None:
    """One visit; the version that is newly held."""
    source = open_source(address, key and key.decode(), timeout_s)
    try:
        return fetch(folder, source, "watch", PUBLIC)
    finally:
        source.close()


class Tap:
    """A relay on loopback that notes what passes; it can cut each connection or flip a bit on the way down."""

    def __init__(self, address: str, cut_after: int | None = None, flip_at: int | None = None) -> None:
        self._target = address.rpartition("//")[2].split(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.up: list[bytearray] = []
        self._cut_after, self._flip_at = cut_after, flip_at
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((self._target[0], int(self._target[1])))
            except OSError:
                return
            self.up.append(bytearray())
            for pair, noted in (((near, far), self.up[-1]), ((far, near), None)):
                threading.Thread(target=self._pump, args=(*pair, noted), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, noted: bytearray | None) -> None:
        passed = 0
        try:
            while data := bytearray(source.recv(65536)):
                if noted is not None:
                    noted += data
                else:
                    if self._flip_at is not None and passed <= self._flip_at < passed + len(data):
                        data[self._flip_at - passed] ^= 1
                    passed += len(data)
                    if self._cut_after is not None and passed > self._cut_after:
                        break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def shelves(tmp_path: Path) -> Iterator[Any]:
    """Makes running shelves of these releases, each in a folder of its own."""
    running = []

    def make(*releases: Release, keys: Any = None, **options: Any) -> Shelf:
        folder = tmp_path / f"shelf{len(running)}"
        for each in releases:
            each.write(folder)
        shelf = Shelf(folder, keys=keys, **options)
        shelf.start()
        running.append(shelf)
        return shelf

    yield make
    for shelf in running:
        shelf.stop()
        assert not shelf.is_alive()
