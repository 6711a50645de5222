"""You as one more person: labels that are kept and checked, and windows that count as everybody's do."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmt_helpers.activity import Person, train_shared_fast
from pmt_helpers.datasets import DataError, check_card, extract_features, load_activity, load_card, load_recordings
from pmt_helpers.datasets.base import Recording
from pmt_helpers.datasets.mine import (
    BASES,
    COLUMNS,
    LABELS,
    YOU,
    Stretch,
    base_name,
    class_of_name,
    labelled_files,
    labels_path,
    load_mine,
    load_my_recordings,
    read_labels,
    recordings_folder,
    write_as_phone,
    write_labels,
)

WATCH, WISDM = (tuple(load_card(name).classes) for name in ("watch", "wisdm"))
ONE = Stretch(2.0, 30.0, "PEN")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PMT_RECORDINGS", str(tmp_path))
    return tmp_path


def of_person(user: int, side: str = "") -> list[Recording]:
    return [r for r in load_recordings("watch") if r.user == user and side in ("", r.side)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Person 5 of the watch in one file, as a phone writes it."""
    folder = tmp_path_factory.mktemp("played")
    write_as_phone(of_person(5), folder / "all.csv")
    return folder


def test_a_label_file_is_what_the_readme_says(tmp_path: Path) -> None:
    write_labels(tmp_path / "walk.csv", [Stretch(30.5, 60.25, "ABD"), ONE], WATCH, 100.0)
    text = (tmp_path / "walk.csv.labels.csv").read_text()
    assert text == "# pmt-labels/1\nfrom_s,to_s,label\n2.0,30.0,PEN\n30.5,60.25,ABD\n"
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert all(f"`{part}`" in readme for part in (LABELS, ",".join(COLUMNS), "walk.csv.labels.csv"))


times = st.lists(st.floats(0, 1e4).filter(lambda s: s == 0 or s > 1e-6), min_size=2, max_size=12, unique=True)


@settings(max_examples=100, deadline=None)
@given(times, st.data())
def test_labels_come_back_as_they_were_saved(tmp_path_factory: pytest.TempPathFactory, ends: list[float], draw) -> None:
    path = tmp_path_factory.mktemp("labels") / "Ünter wegs 2.zip"
    pairs = zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False)
    stretches = [Stretch(a, b, draw.draw(st.sampled_from(WISDM))) for a, b in pairs]
    write_labels(path, draw.draw(st.permutations(stretches)), WISDM, 1e4)
    assert read_labels(path) == tuple(stretches)
    write_labels(path, [], WISDM, 1e4)
    assert read_labels(path) == ()


@pytest.mark.parametrize(
    ("stretch", "says"),
    [
        (Stretch(10.0, 10.0, "ABD"), "end after they start"),
        (Stretch(60.0, 50.0, "ABD"), "end after they start"),
        (Stretch(-1.0, 1.0, "ABD"), "end after they start"),
        (Stretch(40.0, math.inf, "ABD"), "end after they start"),
        (Stretch(math.nan, 50.0, "ABD"), "end after they start"),
        (Stretch(40.0, 100.1, "ABD"), "within the recording's 100.0 s"),
        (Stretch(40.0, 50.0, "Walking"), "a label among PEN, ABD"),
        (Stretch(29.9, 50.0, "ABD"), "do not overlap"),
        (Stretch(0.0, 2.1, "PEN"), "do not overlap"),
    ],
)
def test_a_stretch_that_cannot_be_is_refused_and_what_was_saved_stays(
    tmp_path: Path, stretch: Stretch, says: str
) -> None:
    write_labels(tmp_path / "a.csv", [ONE], WATCH, 100.0)
    with pytest.raises(DataError, match=says):
        write_labels(tmp_path / "a.csv", [ONE, stretch], WATCH, 100.0)
    assert read_labels(tmp_path / "a.csv") == (ONE,)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"", b"my,own,notes\n", b"# pmt-labels/2\nfrom_s,to_s,label\n", b"# pmt-labels/1\n", b"\xff\xfe\x00", b"\0" * 9,
        b"# pmt-labels/1\nfrom_s,to_s,label\n1,2\n", b"# pmt-labels/1\nfrom_s,to_s,label\none,2,PEN\n",
        b"# pmt-labels/1\nfrom_s,to_s,label\n3,2,PEN\n", b"# pmt-labels/1\nfrom_s,to_s,label\n1,2,Flying\n",
        b"# pmt-labels/1\nfrom_s,to_s,label\n1,5,PEN\n2,6,PEN\n", b"x" * 2_000_000,
    ],
)  # fmt: skip
def test_another_file_or_a_damaged_one_is_named_and_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = labels_path(tmp_path / "a.csv")
    path.write_bytes(content)
    for use in (lambda: read_labels(tmp_path / "a.csv"), lambda: write_labels(tmp_path / "a.csv", [ONE], WATCH, 99.0)):
        with pytest.raises(DataError, match=r"a\.csv\.labels\.csv"):
            use()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("walking.csv", "Walking"), ("Walking 2.zip", "Walking"), ("my_JOGGING-3.xls", "Jogging"),
        ("2024 row.csv", "ROW"),
        ("throw.csv", None), ("recording 5.csv", None), ("sittings.csv", None),
    ],
)  # fmt: skip
def test_a_file_may_be_named_after_its_activity(name: str, label: str | None) -> None:
    assert class_of_name(Path(name)) == label


def test_a_name_of_two_activities_is_refused(folder: Path) -> None:
    (folder / "walking and standing.csv").write_text("x")
    with pytest.raises(DataError, match=r"one activity in its name(.|\n)*Walking, Standing"):
        labelled_files()


def test_saved_labels_count_even_where_the_name_says_something_else(folder: Path) -> None:
    for name in ("PEN 1.csv", "PEN 2.csv", ".PEN 3.csv", "PEN.txt.part"):
        (folder / name).write_text("x")
    write_labels(folder / "PEN 1.csv", [Stretch(1, 9, "ABD")], WATCH, 9.0)
    write_labels(folder / "PEN 2.csv", [Stretch(1, 9, "ABD")], WATCH, 9.0)
    write_labels(folder / "PEN 2.csv", [], WATCH, 9.0)  # somebody took it out again: the name counts as before
    whole = (Stretch(0.0, math.inf, "PEN"),)
    assert labelled_files() == {folder / "PEN 1.csv": (Stretch(1, 9, "ABD"),), folder / "PEN 2.csv": whole}
    assert [path.name for path in folder.glob("*.labels.csv")] == ["PEN 1.csv.labels.csv"]


def test_labels_choose_the_data_set(folder: Path) -> None:
    with pytest.raises(DataError, match=r"0 recordings, none of them labelled(.|\n)*two minutes"):
        base_name("mine")
    (folder / "walking.csv").write_text("x")
    assert (base_name("mine"), base_name("watch")) == ("wisdm", "watch")
    assert load_card("mine") is load_card("wisdm")
    (folder / "PEN.csv").write_text("x")
    with pytest.raises(DataError, match=r"activities of wisdm alone(.|\n)*Walking"):
        load_activity("mine")


def test_the_folder_is_beside_the_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PMT_RECORDINGS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert recordings_folder() == tmp_path / "my_recordings"
    (tmp_path / "notebooks").mkdir()
    assert recordings_folder() == tmp_path / "notebooks" / "my_recordings"
    monkeypatch.setenv("PMT_RECORDINGS", str(tmp_path / "elsewhere"))
    assert recordings_folder() == tmp_path / "elsewhere"


def test_your_windows_are_those_of_the_same_person_in_the_data_set(played: Path) -> None:
    """Person 5, written at 100 Hz and read again, gives nearly the same features; the trims shift and cost windows."""
    data, base = load_mine(played), load_activity("watch")
    yours, theirs = (d.select(d.users == u) for d, u in ((data, YOU), (base, 5)))
    assert len(data) == len(base) + len(yours)
    assert 0.85 * len(theirs) < len(yours) < len(theirs)
    np.testing.assert_array_equal(data.X[: len(base)], base.X)
    assert set(yours.recordings).isdisjoint(base.recordings)
    assert len(np.unique(yours.recordings)) == 14
    gap = abs(np.nanmedian(yours.X, axis=0) - np.nanmedian(theirs.X, axis=0)) / np.nanstd(theirs.X, axis=0)
    assert np.median(gap) < 0.1
    assert yours.window_readings == 250
    first = min(yours.recordings)
    assert yours.starts[yours.recordings == first].tolist() == list(
        range(0, 125 * (yours.recordings == first).sum(), 125)
    )


def test_a_played_person_is_right_as_often_as_directly(tmp_path: Path) -> None:
    """The shared model, on windows through a phone's file and on the data set's own: within five points."""
    base = load_activity("watch")
    through, direct = [], []
    for user in (1, 5, 8):
        write_as_phone(of_person(user), tmp_path / str(user) / "a.csv")
        data = load_mine(tmp_path / str(user), without=user)
        shared = train_shared_fast(data, YOU)
        for found, d, u in ((through, data, YOU), (direct, base, user)):
            own = d.users == u
            found.append(float((shared.predict(d.X[own]) == d.y[own]).mean()))
    assert abs(np.mean(through) - np.mean(direct)) < 0.05


def test_the_first_and_last_second_of_a_stretch_are_left_out_and_a_gap_cuts_it(folder: Path) -> None:
    t = np.concatenate([np.arange(0, 60, 0.01), np.arange(70, 130, 0.01)])
    rows = "".join(f"{s:.2f},{math.sin(9 * s):.4f},{9.81 + s / 1000:.5f},0.5\n" for s in t)
    (folder / "a.csv").write_text(f"time (s),x (m/s2),y (m/s2),z (m/s2)\n{rows}")
    write_labels(folder / "a.csv", [Stretch(10, 100, "PEN"), Stretch(110, 130, "ABD")], WATCH, 130)
    found = load_my_recordings()
    assert [(r.class_name, round(r.seconds)) for r in found] == [("PEN", 49), ("PEN", 29), ("ABD", 18)]
    starts = [(r.signal[100:-100, 1].mean() - 9.81) * 1000 - r.seconds / 2 for r in found]
    np.testing.assert_allclose(starts, [11, 70, 111], atol=0.2)
    write_labels(folder / "a.csv", [Stretch(10, 100, "PEN"), Stretch(110, 140, "ABD")], WATCH, 140)
    with pytest.raises(DataError, match=r"a\.csv\.labels\.csv(.|\n)*within the recording's 1[23]\d\.\d s"):
        load_my_recordings()


def test_too_few_windows_say_what_to_record(folder: Path) -> None:
    recordings = of_person(5, "left")
    write_as_phone(recordings[:2], folder / "a.csv")
    with pytest.raises(DataError, match=r"at least 80 windows of you(.|\n)*windows, \d+ of (.|\n)*two minutes of each"):
        load_activity("mine")


@pytest.mark.parametrize("user", [3, 4, 7])
def test_the_fastest_people_of_the_watch_have_enough_windows_to_play_you(user: int, tmp_path: Path) -> None:
    write_as_phone(of_person(user), tmp_path / "a.csv")
    data = load_mine(tmp_path, without=user)
    assert min(len(Person.of(data, YOU, fold=fold).split.train) for fold in range(5)) >= 20  # notebook 02's default


def test_its_card_tells_you_from_the_others_and_is_right(played: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMT_RECORDINGS", str(played))
    data = load_activity("mine")
    table = check_card(data)
    assert table["ok"].all()
    assert str(data.card.facts[0]).startswith(f"Person 0 is you: {(data.users == YOU).sum()} windows in 14 stretches")
    assert "Record again on another day" in str(data.card)
    assert "1,737 windows of 10 people" in str(data.card)
    assert data.card.unseen_split == "blocked"  # there is no second recording of an activity to test on
    spoiled = data.select(data.recordings != data.recordings.max())
    assert not check_card(spoiled)["ok"].iloc[0]


def test_a_second_session_can_be_tested_on(folder: Path) -> None:
    for side in ("left", "right"):
        write_as_phone(of_person(5, side), folder / f"{side}.csv")
    data = load_activity("mine")
    assert data.card.unseen_split == "recording"
    assert "another day" not in str(data.card)
    assert len(Person.of(data, YOU, "recording").split.train) >= 20


def test_a_class_with_few_windows_is_named(folder: Path) -> None:
    recordings = of_person(5)
    short = [r for r in recordings if r.class_name != "ROW"] + [
        Recording(0, r.signal[:600], r.rate_hz, 5, "ROW") for r in recordings[:1]
    ]
    write_as_phone(short, folder / "a.csv")
    assert "Fewer than 5 windows of you show ROW. Record two minutes of each activity" in str(
        load_activity("mine").card
    )


def test_a_changed_file_or_label_is_read_again(folder: Path) -> None:
    write_as_phone(of_person(5), folder / "a.csv")
    before = load_activity("mine")
    stretches = read_labels(folder / "a.csv")
    write_labels(folder / "a.csv", stretches[:-1], WATCH, 1e6)
    assert len(load_activity("mine")) < len(before)
    (folder / "a.csv").write_text("time (s),x,y,z\n0,0,9.81,0\n")
    with pytest.raises(DataError, match=r"a\.csv"):
        load_activity("mine")


def test_nothing_is_written_over(folder: Path) -> None:
    (folder / "a.csv").write_text("mine")
    with pytest.raises(DataError, match="a new file"):
        write_as_phone(of_person(5), folder / "a.csv")
    assert (folder / "a.csv").read_text() == "mine"
    write_labels(folder / "b.csv", [ONE], WATCH, 100.0)  # labels whose recording lies elsewhere
    with pytest.raises(DataError, match="a new file"):
        write_as_phone(of_person(5), folder / "b.csv")
    assert read_labels(folder / "b.csv") == (ONE,)
    assert not (folder / "b.csv").exists()


def synthetic_wisdm_person(folder: Path) -> None:
    """Six files of two minutes, named after their activities, as somebody with a phone in a pocket might bring them."""
    rng = np.random.default_rng(0)
    moves = {"walking": (1.8, 4), "jogging": (2.7, 9), "upstairs": (1.4, 3), "downstairs": (2, 5), "sitting": (0, 0)}
    t = np.arange(0, 122, 0.01)
    for name, (hz, size) in {**moves, "standing": (0, 0)}.items():
        upright = [0, 9.6, 2] if name != "sitting" else [0, 1, 9.7]
        wave = size * np.sin(2 * np.pi * hz * t[:, None] + [0, 1, 2]) * [0.5, 1, 0.6]
        readings = wave + upright + rng.normal(0, 0.05, (len(t), 3))
        rows = "".join(f"{s:.2f},{x:.4f},{y:.4f},{z:.4f}\n" for s, (x, y, z) in zip(t, readings, strict=True))
        (folder / f"{name}.csv").write_text(f"time (s),x (m/s2),y (m/s2),z (m/s2)\n{rows}")


def test_without_wisdm_its_activities_say_how_to_fetch_it(folder: Path, small_wisdm: Path) -> None:
    (folder / "walking.csv").write_text("x")
    with pytest.raises(DataError, match="data fetch wisdm"):
        load_activity("mine")


@pytest.mark.usefixtures("real_wisdm")
def test_two_minutes_of_six_activities_join_wisdm_with_its_defects(folder: Path) -> None:
    synthetic_wisdm_person(folder)
    data, base = load_activity("mine"), load_activity("wisdm")
    yours = data.select(data.users == YOU)
    assert np.bincount(yours.y).tolist() == [12] * 6
    assert (yours.X[:, data.feature_names.index("XAVG")] == 0).all()
    assert data.window_readings == 0
    assert len(np.unique(data.starts)) == len(data) == len(base) + len(yours)
    signal = next(r for r in load_my_recordings() if r.class_name == "Walking").signal
    np.testing.assert_array_equal(yours.X[yours.y == 0][:1], extract_features(signal[:200][None], 20.0, "wisdm"))
    assert check_card(data)["ok"].fillna(True).all()
    assert len(Person.of(data, YOU).split.train) >= 30
    assert train_shared_fast(data, YOU).predict(yours.X).shape == yours.y.shape


def test_every_data_set_that_can_be_joined_has_a_contract_in_m_per_s2() -> None:
    assert {load_card(name).contract.unit for name in BASES} == {"m/s2"}
