"""A shelf hands out what lies in its folder; an inbox takes windows from those it knows, and from nobody else."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from pmt_helpers import datasets, system
from pmt_helpers.datasets.arrays import pack_arrays
from pmt_helpers.system import Inbox, Refused
from pmt_helpers.system.bundle import write_whole
from pmt_helpers.system.cloud import read_windows, send_windows, with_volunteers
from tests.system.conftest import PUBLIC, download, release

KEYS, KNOWN, STRANGER = zmq.curve_keypair(), zmq.curve_keypair(), zmq.curve_keypair()


def windows(n: int = 8) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(n).normal(size=(n, 43)).astype("f4"), np.arange(n) % 6


def test_a_new_release_is_served_while_those_in_the_middle_of_the_old_one_finish(shelves: Any, tmp_path: Path) -> None:
    shelf = shelves(release(1))
    old = system.check_manifest(*release(1)[:2], PUBLIC, "watch")
    release(2).write(tmp_path / "shelf0")
    shelf.refresh()
    source = system.open_source(shelf.address)
    for question in system.questions("watch", old):
        assert source.ask(question)
    source.close()
    assert download(tmp_path / "device", shelf.address) == 2


def test_a_shelf_goes_on_with_what_it_has_while_the_folder_is_not_whole(shelves: Any, tmp_path: Path) -> None:
    shelf = shelves(release(1))
    place = tmp_path / "shelf0" / "watch"
    release(2).write(tmp_path / "new")  # elsewhere first: the running shelf would see it whole for a moment
    (tmp_path / "new" / "watch" / "2" / "3").unlink()
    shutil.copytree(tmp_path / "new", tmp_path / "shelf0", dirs_exist_ok=True)
    write_whole(tmp_path / "shelf0" / "no model" / "head", b"nonsense")
    shelf.refresh()
    assert download(tmp_path / "device", shelf.address) == 1
    write_whole(place / "2" / "3", release(2).payload[3 * 4096 : 4 * 4096])
    shelf.refresh()
    assert download(tmp_path / "device", shelf.address) == 2


def test_an_empty_shelf_and_an_unknown_model_are_answered_with_nothing(shelves: Any, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="does not hold"):
        download(tmp_path, shelves().address)


def test_an_address_in_use_is_told(shelves: Any, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="in use"):
        system.Shelf(tmp_path, shelves().address)


@pytest.fixture
def inbox(tmp_path: Path) -> Any:
    (tmp_path / "known.txt").write_text(KNOWN[0].decode() + "\n")
    box = Inbox(tmp_path / "inbox", tmp_path / "known.txt", KEYS, 6)
    box.start()
    yield box
    box.stop()


def send(inbox: Inbox, keys: Any, X: np.ndarray, y: np.ndarray) -> int:
    return send_windows(inbox.address, KEYS[0].decode(), keys, "watch", X, y)


def test_a_known_volunteers_windows_arrive_and_sending_again_replaces_them(inbox: Inbox, tmp_path: Path) -> None:
    for n in (8, 5):
        assert send(inbox, KNOWN, *windows(n)) == n
        (stored,) = (tmp_path / "inbox").iterdir()
        X, y = read_windows(stored.read_bytes(), 6)
        np.testing.assert_array_equal(X, windows(n)[0])
        np.testing.assert_array_equal(y, windows(n)[1])
    assert stored.stat().st_mode & 0o777 == 0o600


def test_a_stranger_is_not_heard_and_a_known_one_still_is(
    inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmt_helpers.system.cloud.TIMEOUT_S", 0.4)
    with pytest.raises(Refused, match="not among those"):
        send(inbox, STRANGER, *windows())
    assert not (tmp_path / "inbox").exists()
    monkeypatch.undo()
    assert send(inbox, KNOWN, *windows()) == 8


BAD_WINDOWS = {
    "another width": (np.zeros((4, 42)), np.zeros(4, int)),
    "a class that there is not": (np.zeros((4, 43)), np.full(4, 6)),
    "infinity": (np.full((4, 43), np.inf), np.zeros(4, int)),
    "no window": (np.zeros((0, 43)), np.zeros(0, int)),
    "another length": (np.zeros((4, 43)), np.zeros(3, int)),
}


@pytest.mark.parametrize("what", BAD_WINDOWS)
def test_windows_of_another_form_are_not_taken(what: str, inbox: Inbox) -> None:
    with pytest.raises(Refused, match="did not take"):
        send(inbox, KNOWN, *BAD_WINDOWS[what])
    assert inbox.stats["refused: windows"] == 1
    assert send(inbox, KNOWN, *windows()) == 8


def test_what_was_sent_is_trained_on_as_a_further_person(tmp_path: Path) -> None:
    watch = datasets.load_activity("watch")
    assert with_volunteers(watch, tmp_path).summary == watch.summary
    for n in (8, 5):
        write_whole(tmp_path / f"{n}.npz", pack_arrays(dict(zip("Xy", windows(n), strict=True))))
    more = with_volunteers(watch, tmp_path)
    assert len(more) == len(watch) + 13
    assert len(more.user_ids) == len(watch.user_ids) + 2
