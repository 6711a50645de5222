"""A device retrains what it downloads, keeps the better model, predicts from readings, and stays small."""

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from pmt_helpers import datasets, system
from pmt_helpers.activity import split_user, train_shared_fast
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.datasets.features import extract_features
from pmt_helpers.system.device import PARTS, read_private, write_private
from pmt_helpers.system.visits import Plan
from tests.system.conftest import PUBLIC, network, release

WATCH = datasets.load_activity("watch")
ABOUT_WATCH = system.describe(WATCH)
MINE = {part: (WATCH.X[rows], WATCH.y[rows]) for part, rows in
        ((part, getattr(split_user(WATCH, 3).first(20), part)) for part in PARTS)}  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Checkpoint:
    return train_shared_fast(WATCH, 3)


def put(device: system.Device, version: int, model: Checkpoint, **more: Any) -> None:
    release(version, model=model, about={**ABOUT_WATCH, **more}).write(device.folder / "public")


@pytest.fixture
def device(tmp_path: Path) -> system.Device:
    return system.Device(tmp_path, "watch", PUBLIC, MINE)


def test_what_it_trains_is_what_training_at_home_is(device: system.Device, shared: Checkpoint) -> None:
    assert device.update() is None
    put(device, 1, shared)
    said = device.update()
    assert said is not None
    inputs = {part: (shared.windows(X), y) for part, (X, y) in MINE.items()}
    trained = train_online(Task(shared.weights, *inputs["train"], inputs["validation"], 0), epochs=300)
    X, y = inputs["test"]
    assert said["personal"] == said["kept"] == (trained.weights.predict(X) == y).mean()
    assert said["shared"] == (shared.weights.predict(X) == y).mean()
    assert device.update() is None  # it has seen this one


def test_it_keeps_the_old_model_when_a_new_release_is_worse_for_its_owner(
    device: system.Device, shared: Checkpoint
) -> None:
    put(device, 1, shared)
    first = device.update()
    spoiled = Checkpoint(network(5).weights, shared.scaler)
    spoiled.weights.output[:] *= 40  # sure of itself, and wrong
    seven = np.vstack([spoiled.weights.output, spoiled.weights.output[:1]]), np.zeros(7, "f4")
    bad = Checkpoint(type(spoiled.weights)(spoiled.weights.hidden, *seven, 43), shared.scaler)
    put(device, 2, bad)
    second = device.update()
    assert first is not None
    assert second is not None
    assert (first["took"], second["took"]) == (True, False)
    assert second["kept"] == first["kept"]
    put(device, 3, shared)
    assert device.update()["version"] == 3  # type: ignore[index]


def test_a_release_for_other_classes_takes_the_place_of_a_model_that_cannot_answer(
    device: system.Device, shared: Checkpoint
) -> None:
    put(device, 1, shared)
    device.update()
    about = {**ABOUT_WATCH, "class_names": [*ABOUT_WATCH["class_names"][:-1], "another"]}
    release(2, model=shared, about=about).write(device.folder / "public")
    assert device.update()["took"]  # type: ignore[index]


def test_windows_that_do_not_fit_the_release_are_told(tmp_path: Path, shared: Checkpoint) -> None:
    narrow = {part: (X[:, :5], y) for part, (X, y) in MINE.items()}
    device = system.Device(tmp_path, "watch", PUBLIC, narrow)
    put(device, 1, shared)
    with pytest.raises(ValueError, match="43"):
        device.update()


def test_windows_labelled_with_other_classes_are_not_trained_on(tmp_path: Path, shared: Checkpoint) -> None:
    device = system.Device(tmp_path, "watch", PUBLIC, MINE, WATCH.class_names[::-1])
    put(device, 1, shared)
    with pytest.raises(ValueError, match="they do not fit"):
        device.update()


def test_a_release_spoiled_on_disk_waits_for_the_next_visit(device: system.Device, shared: Checkpoint) -> None:
    put(device, 1, shared)
    (device.folder / "public" / "watch" / "1" / "0").write_bytes(b"")
    assert device.update() is None
    put(device, 1, shared)
    assert device.update() is not None


def test_readings_are_predicted_window_by_window_and_what_it_costs_is_recorded(
    tmp_path: Path, shared: Checkpoint
) -> None:
    spans = []

    @contextmanager
    def span(phase: str, **counts: Any) -> Any:
        spans.append((phase, counts))
        yield {}

    device = system.Device(tmp_path, "watch", PUBLIC, MINE, span=span)
    with pytest.raises(ValueError, match="no model yet"):
        next(device.predict([[0, 0, 0]]))
    put(device, 1, shared)
    device.update()
    recording = next(r for r in datasets.load_recordings("watch") if r.user == 3)
    signal = recording.signal[:1000]
    predicted = list(device.predict(iter(signal)))
    whole = np.stack([signal[start : start + 250] for start in range(0, 751, 125)])
    kept, _ = device._read_kept(None)
    assert kept is not None
    assert predicted == [WATCH.class_names[i] for i in kept.predict(extract_features(whole, 50))]
    assert [phase for phase, _ in spans] == ["train"] + 7 * ["inference"]


def test_it_describes_windows_as_the_data_of_its_model_does(tmp_path: Path, shared: Checkpoint) -> None:
    """A model of WISDM's table needs its defects; the release says so, and a home of an earlier version is plain."""
    wisdm = asdict(datasets.load_card("wisdm").contract)
    signal = next(r for r in datasets.load_recordings("watch") if r.user == 3).signal[:250]
    found = {}
    for style in ("plain", "wisdm"):
        device = system.Device(tmp_path / style, "watch", PUBLIC, MINE)
        put(device, 1, shared, contract={**wisdm, "style": style})
        device.update()
        with mock.patch("pmt_helpers.system.device.extract_features", wraps=extract_features) as features:
            next(device.predict(iter(signal)))
        found[style] = features.call_args.args[2]
    assert found == {"plain": "plain", "wisdm": "wisdm"}


def test_a_persons_windows_are_written_for_their_owner_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "mine.npz", MINE, WATCH.class_names)
    assert (tmp_path / "mine.npz").stat().st_mode & 0o777 == 0o600
    back = read_private(tmp_path / "mine.npz")["windows"]
    assert list(back) == list(PARTS)
    np.testing.assert_array_equal(back["test"][0], MINE["test"][0])


def test_a_device_is_two_small_processes_without_the_heavy_libraries(shelves: Any, tmp_path: Path) -> None:
    write_private(tmp_path / "mine.npz", {part: (X, y % 6) for part, (X, y) in MINE.items()}, list("abcdef"))
    plan = Plan(str(tmp_path / "home" / "public"), shelves(release()).address, "watch", PUBLIC.hex())
    told = json.dumps({"plan": plan._asdict(), "windows": str(tmp_path / "mine.npz")})
    command = [sys.executable, "-m", "pmt_helpers.system.device", told]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # it says 1 when Keras, JAX, Numba, pandas or SciPy are loaded
    seen = json.loads(done.stdout)
    assert seen["version"] == 1
    assert max(seen["peak_mb"], seen["home_mb"]) < 75
