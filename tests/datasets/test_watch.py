"""The watch recordings come from an installed package, without running it, and nothing else gets in with them."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pmt_helpers.datasets import DataError, load_activity, load_recordings, watch
from pmt_helpers.datasets.arrays import UnsafePickleError, load_pickled_npy
from pmt_helpers.datasets.features import extract_features


def test_sizes_are_those_measured_before() -> None:
    data = load_activity("watch")
    a_user = np.unique(data.users, return_counts=True)[1]
    assert data.X.shape == (1737, 43)
    assert data.user_ids.tolist() == list(range(1, 11))
    assert (a_user.min(), a_user.max()) == (105, 211)
    assert data.class_names == ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
    assert set(data.y.tolist()) == set(range(7))


def test_watch_is_the_default_and_is_shared_safely() -> None:
    data = load_activity()
    assert data is load_activity("watch")
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        load_recordings()[0].signal[0, 0] = 1.0


def test_one_recording_per_person_exercise_and_arm() -> None:
    recordings = load_recordings("watch")
    assert len(recordings) == 140
    assert len({(r.user, r.class_name, r.side) for r in recordings}) == 140
    assert [r.number for r in recordings] == list(range(140))


def test_no_window_crosses_two_recordings() -> None:
    data, recordings = load_activity("watch"), load_recordings("watch")
    lengths = np.array([len(r.signal) for r in recordings])
    assert (data.starts >= 0).all()
    assert (data.starts + data.window_readings <= lengths[data.recordings]).all()
    assert (np.diff(data.starts)[np.diff(data.recordings) == 0] == 125).all()
    assert (data.starts[np.append(True, np.diff(data.recordings) != 0)] == 0).all()


@pytest.mark.parametrize("row", [0, 700, 1736])
def test_a_window_holds_the_features_of_its_readings(row: int) -> None:
    data = load_activity("watch")
    recording = load_recordings("watch")[data.recordings[row]]
    window = recording.signal[data.starts[row] :][:250]
    assert extract_features(window[None], recording.rate_hz)[0] == pytest.approx(data.X[row], nan_ok=True)
    assert recording.user == data.users[row]
    assert recording.class_name == data.class_names[data.y[row]]


def test_a_still_wrist_reads_the_gravity_of_the_earth() -> None:
    """Shows that the file's unit is g: turned into m/s2, a wrist that hardly moves reads about 9.8 (here 10.3)."""
    seconds = np.concatenate([r.signal[: len(r.signal) // 50 * 50].reshape(-1, 50, 3) for r in load_recordings()])
    still = seconds.std(axis=1).max(axis=1) < 1.0
    assert still.sum() > 100
    assert np.median(np.linalg.norm(seconds[still].mean(axis=1), axis=1)) == pytest.approx(9.8, abs=0.7)


def test_loading_imports_neither_seglearn_nor_keras() -> None:
    code = (
        "import sys; from pmt_helpers.datasets import load_activity; load_activity('watch')\n"
        "heavy = ('seglearn', 'sklearn', 'keras', 'requests', 'pooch', 'pandas')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert out.stdout.strip() == "[]"


def small_watch() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "X": [random.normal(size=(300, 6)) for _ in range(3)], "y": np.array([0, 1, 6]), "subject": np.array([1, 2, 2]),
        "side": np.array([1.0, 0.0, 1.0]), "X_labels": ["ax", "ay", "az", "wx", "wy", "wz"],
        "y_labels": ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"],
    }  # fmt: skip


def save(path: Path, content: Any) -> Path:
    np.save(path, np.array(content, dtype=object), allow_pickle=True)
    return path


def test_a_file_written_by_todays_numpy_reads_as_well(tmp_path: Path) -> None:
    content = watch.read_watch(save(tmp_path / "watch.npy", small_watch()))
    assert all(np.array_equal(a, b) for a, b in zip(content["X"], small_watch()["X"], strict=True))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"X_labels": ["wx", "wy", "wz", "ax", "ay", "az"]}, "columns wx, wy, wz"),
        ({"y_labels": ["PEN", "ABD", "FEL", "IR", "ER", "TRAP", "YOGA"]}, "unknown classes ROW, YOGA"),
        ({"y": np.array([0, 1, 7])}, "unknown classes"),
        ({"subject": np.array([1, 2])}, "lists of different lengths"),
        ({"X": [np.zeros((300, 3))] * 3}, "a recording without six columns"),
        ({"X": [np.full((300, 6), np.nan)] * 3}, "readings that are not finite"),
        ({"X": [], "y": [], "subject": [], "side": []}, "empty ones"),
        ({"side": None}, "no side"),
    ],
)
def test_another_structure_is_refused_with_its_reason(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    content = {key: value for key, value in (small_watch() | change).items() if value is not None}
    with pytest.raises(DataError) as caught:
        watch.read_watch(save(tmp_path / "watch.npy", content))
    assert says in caught.value.found


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    whole = save(tmp_path / "whole.npy", small_watch()).read_bytes()
    cut = tmp_path / "cut.npy"
    cut.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match="empty, truncated or damaged"):
        watch.read_watch(cut)


def test_a_web_page_under_the_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.npy"
    path.write_text("<html>not found</html>")
    with pytest.raises(DataError, match="pip install"):
        watch.read_watch(path)


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install"):
        load_activity("watch")


class Harmful:
    """Unpickled the usual way, this would call print."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("foreign code has run",)


def test_a_pickle_that_calls_a_function_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "harmful.npy", small_watch() | {"side": Harmful()})
    with pytest.raises(DataError, match="could run foreign code") as caught:
        watch.read_watch(path)
    assert "builtins.print" in caught.value.found
    assert capsys.readouterr().out == ""
    assert pickle.loads(pickle.dumps(Harmful())) is None  # the danger is real
    assert capsys.readouterr().out == "foreign code has run\n"


def test_even_harmless_objects_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "path.npy", {"X": Path("x")})
    with path.open("rb") as file, pytest.raises(UnsafePickleError, match="pathlib"):
        load_pickled_npy(file)


def test_a_plain_array_is_not_taken_for_the_dataset(tmp_path: Path) -> None:
    np.save(tmp_path / "plain.npy", np.zeros(3))
    with pytest.raises(DataError, match="a plain array of float64"):
        watch.read_watch(tmp_path / "plain.npy")
