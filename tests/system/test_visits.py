"""Visits go on where they stopped, keep to their schedule, and know nothing of anybody's windows."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zmq

from pmt_helpers.system import visits as module
from pmt_helpers.system.bundle import held_manifest
from pmt_helpers.system.visits import Plan, keep_schedule, visit
from tests.system.conftest import PUBLIC, Tap, download, release

KEYS = zmq.curve_keypair()


def plan(folder: Path, address: str, **more: Any) -> Plan:
    return Plan(str(folder), address, "watch", PUBLIC.hex(), **more)


def test_a_line_that_breaks_every_12_kilobytes_brings_the_whole_in_the_end(shelves: Any, tmp_path: Path) -> None:
    shelf = shelves(release())
    tap, sizes = Tap(shelf.address, cut_after=12000), [0]
    while held_manifest(tmp_path, "watch", PUBLIC) is None:
        seen = visit(plan(tmp_path, tap.address, timeout_s=1))
        assert seen.get("why", "no answer") == "no answer"
        sizes.append(len(list((tmp_path / "watch" / "1").iterdir())))
        assert len(sizes) < 9
    assert len(tap.up) >= 3  # connections
    assert sizes == sorted(sizes)
    tap.close()


def test_a_chunk_spoiled_on_disk_is_asked_for_again_and_nothing_else(shelves: Any, tmp_path: Path) -> None:
    shelf = shelves(release())
    assert download(tmp_path, shelf.address) == 1
    (tmp_path / "watch" / "1" / "2").write_bytes(b"half")
    (tmp_path / "watch" / "1" / "5").unlink()
    before = shelf.stats["answered"]
    assert download(tmp_path, shelf.address) == 1
    assert shelf.stats["answered"] - before == 3  # the manifest and two chunks
    assert download(tmp_path, shelf.address) is None


def test_a_mirror_keeps_the_version_before_for_those_in_the_middle_of_it(shelves: Any, tmp_path: Path) -> None:
    for version in (1, 2, 3):
        assert download(tmp_path, shelves(release(version)).address) == version
    assert sorted(path.name for path in (tmp_path / "watch").iterdir()) == ["2", "3", "head"]


def test_a_visit_says_what_it_brought_or_why_not(shelves: Any, tmp_path: Path) -> None:
    shelf = shelves(release())
    assert {"version": 1, "up": 512}.items() <= visit(plan(tmp_path, shelf.address)).items()
    assert {"version": None, "up": 64}.items() <= visit(plan(tmp_path, shelf.address)).items()
    shelf.stop()
    gone = visit(plan(tmp_path, shelf.address, timeout_s=0.1))
    assert (gone["version"], gone["why"], gone["up"]) == (None, "no answer", 0)


def test_a_disk_that_fails_ends_the_visit_and_not_the_visits(
    shelves: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_whole", full)
    assert visit(plan(tmp_path, shelves(release()).address))["why"] == "disk"


def test_the_schedule_is_fixed_beforehand_and_a_late_visit_moves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, times = 100.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    def slow(_: Plan) -> dict[str, Any]:
        times.append(now - 100)
        sleep(0.5 if len(times) == 2 else 0)
        return {}

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now, sleep=sleep))
    monkeypatch.setattr(module, "visit", slow)
    keep_schedule(plan(tmp_path, "", every_s=0.2, visits=7), lambda _: None)
    # the third and the fourth would have been during the second
    assert times == pytest.approx([0, 0.2, 0.8, 1.0, 1.2])


def test_the_process_of_the_visits_ends_with_the_one_that_started_it(shelves: Any, tmp_path: Path) -> None:
    told = json.dumps(plan(tmp_path, shelves(release()).address, visits=1000, every_s=0.1)._asdict())
    command = [sys.executable, "-m", "pmt_helpers.system.visits", told]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert (first["visit"], first["version"]) == (0, 1)
    process.stdin.close()  # as the system does when the other one is killed
    assert process.wait(20) == 0
    process.stdout.close()
