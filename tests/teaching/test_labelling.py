"""Labelling in the notebook: what is chosen is saved at once, and is there again after a restart of the kernel."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import ipywidgets
import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity import learning_curve, paired_gain
from pmt_helpers.datasets import DataError, load_activity, load_recordings, mine
from pmt_helpers.experiments import stored_base_models, stored_curve, stored_unlearning
from pmt_helpers.teaching import choose_person, figures, label_recording, my_person, own_or_played, preflight
from pmt_helpers.teaching.labelling import keep_recording
from tests.teaching.test_widgets import all_of

PLOTLY = "application/vnd.plotly.v1+json"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(tmp_path / "my_workbook.json"))
    monkeypatch.setenv("PMT_RECORDINGS", str(tmp_path / "my_recordings"))
    return tmp_path / "my_recordings"


def recording_text(seconds: int = 60) -> str:
    t = np.arange(0, seconds, 0.02)
    return "time (s),x (m/s2),y (m/s2),z (m/s2)\n" + "".join(f"{s:.2f},{np.sin(9 * s):.3f},9.7,1\n" for s in t)


@pytest.fixture
def walk(folder: Path) -> Path:
    folder.mkdir()
    (folder / "walk.csv").write_text(recording_text())
    return folder / "walk.csv"


class Parts:
    """The widget's controls by what they are called."""

    def __init__(self) -> None:
        self.shown = label_recording()
        box = self.shown.widget
        self.menu, self.activity = all_of(box, ipywidgets.Dropdown)
        self.start, self.end = all_of(box, ipywidgets.BoundedFloatText)
        [self.slider] = all_of(box, ipywidgets.FloatRangeSlider)
        [self.output, _] = all_of(box, ipywidgets.Output)  # and one that a screen reader hears
        [self.upload] = all_of(box, ipywidgets.FileUpload)
        self.box = box

    @property
    def add(self) -> ipywidgets.Button:
        return next(b for b in all_of(self.box, ipywidgets.Button) if b.description == "Add this stretch")

    @property
    def controls_shown(self) -> bool:
        return self.box.children[-1].layout.display is None

    @property
    def removes(self) -> list[ipywidgets.Button]:
        return [b for b in all_of(self.box, ipywidgets.Button) if "take it out" in b.description]

    @property
    def said(self) -> str:
        return " ".join(html.value for html in all_of(self.box, ipywidgets.HTML))


def test_a_stretch_is_saved_at_once_and_can_be_taken_out_again(walk: Path) -> None:
    parts = Parts()
    parts.slider.value = (5.0, 25.0)
    assert (parts.start.value, parts.end.value) == (5.0, 25.0)
    lines = [shape["x0"] for shape in parts.output.outputs[0]["data"][PLOTLY]["layout"]["shapes"]]
    assert lines == [5.0, 25.0]  # what is chosen is drawn
    parts.activity.value = "Walking"
    parts.add.click()
    assert mine.read_labels(walk) == ((5.0, 25.0, "Walking"),)
    assert parts.slider.value[0] == 25.0  # where the next stretch may begin
    parts.start.value, parts.end.value = 30.0, 50.5  # typed
    assert parts.slider.value == (30.0, 50.5)
    parts.activity.value = "Jogging"
    parts.add.click()
    assert [s.label for s in mine.read_labels(walk)] == ["Walking", "Jogging"]
    assert len(parts.removes) == 2
    parts.removes[0].click()
    assert mine.read_labels(walk) == ((30.0, 50.5, "Jogging"),)
    assert len(parts.removes) == 1


def test_the_labels_are_there_after_a_restart_of_the_kernel(walk: Path) -> None:
    code = """
from tests.teaching.test_labelling import Parts
parts = Parts()
parts.slider.value = (5.0, 25.0)
parts.activity.value = "Sitting"
parts.add.click()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    parts = Parts()
    assert "Sitting, 5.0 to 25.0 s" in parts.removes[0].description
    assert "labelled: Sitting from 5.0 to 25.0 s" in str(parts.output.outputs)


def test_activities_are_those_of_one_data_set_as_soon_as_there_is_a_label(walk: Path) -> None:
    parts = Parts()
    assert {"Walking", "PEN"} <= set(dict(parts.activity.options).values())
    parts.activity.value = "Walking"
    parts.add.click()
    for now in (parts, Parts()):
        assert "PEN" not in dict(now.activity.options).values()
    assert parts.activity.value == "Walking"


def test_what_cannot_be_saved_is_said_and_nothing_changes(walk: Path) -> None:
    parts = Parts()
    parts.slider.value = (5.0, 25.0)
    parts.add.click()
    parts.slider.value = (10.0, 30.0)
    parts.add.click()
    assert "do not overlap" in parts.said
    assert len(mine.read_labels(walk)) == 1
    parts.start.value, parts.end.value = 40.0, 30.0
    parts.add.click()
    assert "end after they start" in parts.said
    assert len(mine.read_labels(walk)) == 1


def test_a_recording_that_cannot_be_read_says_why(folder: Path) -> None:
    folder.mkdir()
    (folder / "no.csv").write_text("hello <b>you</b>")
    parts = Parts()
    assert "cannot use" in parts.said
    assert "<b>you" not in parts.said
    assert not parts.controls_shown


def test_without_a_recording_it_says_where_to_put_one(folder: Path) -> None:
    assert f"No recording is in {folder} yet" in Parts().said
    assert folder.is_dir()
    assert "your recording is drawn here" in repr(Parts().shown)


def test_an_uploaded_recording_is_checked_and_kept(folder: Path) -> None:
    parts = Parts()
    file = {"name": "C:\\sub\\walk one.csv", "type": "", "size": 1, "last_modified": datetime.now(UTC)}
    file["content"] = recording_text().encode()
    parts.upload.value = (file,)
    assert [path.name for path in mine.recording_files(folder)] == ["walk one.csv"]
    assert parts.menu.value == folder / "walk one.csv"
    assert parts.controls_shown
    parts.upload.value = ({**file, "name": "bad.csv", "content": b"nothing"},)
    assert "cannot use" in parts.said
    assert [path.name for path in mine.recording_files(folder)] == ["walk one.csv"]


def test_another_recording_of_a_name_gets_a_number_and_the_same_is_kept_once(folder: Path) -> None:
    one, two = recording_text(60).encode(), recording_text(50).encode()
    paths = [keep_recording("walk.csv", content) for content in (one, two, one, two)]
    assert [path.name for path in paths] == ["walk.csv", "walk 2.csv", "walk.csv", "walk 2.csv"]
    assert (folder / "walk.csv").read_bytes() == one


@pytest.mark.parametrize("name", ["walk.exe", ".walk.csv", "walk", "", "..", "a\nb.csv", "walk.csv.labels.csv"])
def test_a_name_that_is_no_recordings_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(DataError):
        keep_recording(name, recording_text().encode())
    assert not folder.exists()


def test_everything_fits_a_narrow_window(walk: Path) -> None:
    """Each control takes a share of the width or breaks the line; none is wider than a phone's screen."""
    parts = Parts()
    for control in (parts.menu, parts.activity, parts.slider):
        assert (control.layout.width, control.layout.max_width) == ("96%", "500px")
    for control in (parts.start, parts.end, parts.add, parts.upload):
        assert control.layout.width == "200px"
    [row] = [box for box in all_of(parts.box, ipywidgets.HBox) if box.children == (parts.start, parts.end)]
    assert row.layout.flex_flow == "row wrap"


def test_a_long_recording_is_drawn_with_few_numbers_and_its_gap(folder: Path) -> None:
    folder.mkdir()
    t = np.concatenate([np.arange(0, 300, 0.02), np.arange(320, 600, 0.02)])
    rows = "".join(f"{s:.2f},{np.sin(s):.3f},9.7,1\n" for s in t)
    (folder / "a.csv").write_text(f"time (s),x (m/s2),y (m/s2),z (m/s2)\n{rows}")
    own = mine.read_recording(folder / "a.csv", 50.0)
    figure = figures.recording(own, [mine.Stretch(330, 600, "PEN")])
    drawn = figure.outputs()[0]["data"][PLOTLY]
    assert sum(len(trace["y"]) for trace in drawn["data"]) <= 4600
    assert [round(trace["x0"]) for trace in drawn["data"]] == [0, 0, 0, 320, 320, 320]
    assert drawn["layout"]["shapes"][0]["x1"] == pytest.approx(600, abs=0.1)


def test_without_labels_a_person_of_the_watch_plays_you(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    data = own_or_played(7)
    assert set(data.user_ids) == {0, 1, 2, 3, 4, 5, 6, 8, 9, 10}
    said = capsys.readouterr().out
    assert "Person 7 of the watch plays you" in said
    assert "Record again on another day" in said
    assert 19 not in own_or_played(19).user_ids  # a person of another data set: then somebody else plays you
    assert not folder.exists()


def test_with_half_of_the_labels_somebody_still_plays_you(capsys: pytest.CaptureFixture[str], walk: Path) -> None:
    """A notebook that is run as a whole goes on, and says what is missing."""
    mine.write_labels(walk, [mine.Stretch(5, 50, "PEN")], ("PEN",), 60)
    assert 5 not in own_or_played(5).user_ids
    said = capsys.readouterr().out
    assert "my_recordings: 16 windows, 16 of PEN. Record and label two minutes of each activity: PEN, ABD" in said


@pytest.fixture
def labelled(folder: Path) -> None:
    mine.write_as_phone([r for r in load_recordings("watch") if r.user == 7], folder / "a.csv")


@pytest.mark.usefixtures("labelled")
def test_with_labels_you_are_yourself(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(own_or_played(5).user_ids) == 11
    assert "Person 0 is you." in capsys.readouterr().out


@pytest.mark.usefixtures("labelled")
def test_in_mine_you_are_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever else was the person, shared models would be trained on you."""
    assert my_person("mine", default=5) == my_person("mine", None, default=7) == 0
    [menu] = all_of(choose_person("mine", default=5).widget, ipywidgets.Dropdown)
    assert menu.options == (("0", 0),)
    preflight("mine", PERSON=None, SEED=0)
    assert "windows of 11 people" in capsys.readouterr().out
    preflight("mine", PERSON=0)
    assert "Ready" in capsys.readouterr().out
    preflight("mine", PERSON=3)
    assert "parameter PERSON: 3. Give a whole number from 0 to 0" in " ".join(capsys.readouterr().out.split())


def test_without_recordings_preflight_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    preflight("mine", PERSON=None)
    said = capsys.readouterr().out
    assert "data mine: cannot be loaded" in said
    assert "Record two minutes of each activity" in said


@pytest.mark.usefixtures("labelled")
def test_stored_results_of_mine_are_everybody_elses_and_yours() -> None:
    for curve, split in (("blocked", True), ("random", False)):
        yours, theirs = (stored_curve(name, curve, early_stopping=split) for name in ("mine", "watch"))
        pd.testing.assert_frame_equal(yours[yours["user"] != 0].reset_index(drop=True), theirs, check_dtype=False)
        of_you = yours[yours["user"] == 0]
        assert set(of_you["model"]) == {"shared", "local", "personal"}
        assert of_you["accuracy"].between(0, 1).all()
        assert paired_gain(yours, 20).by_user.index.tolist() == [0, *range(1, 11)]
    live = learning_curve(load_activity("mine"), users=[0], sizes=(20,), seed=0).groupby("model")["accuracy"].mean()
    kept = stored_curve("mine").query("user == 0 and n_samples == 20").set_index("model")["accuracy"]
    pd.testing.assert_series_equal(live, kept[live.index], check_exact=False, rtol=1e-6)
    models, confusions = stored_base_models("mine"), stored_base_models("mine", confusion=True)
    right = confusions.query("user == 0 and recipe == 'paper' and actual == predicted")["windows"].sum()
    of_you = models.query("user == 0 and recipe == 'paper'").iloc[0]
    assert of_you["accuracy"] == pytest.approx(right / of_you["n_test"])
    assert len(stored_unlearning("mine")) == len(stored_unlearning("watch"))


def test_taking_out_what_another_notebook_changed_takes_out_no_other_stretch(walk: Path) -> None:
    mine.write_labels(walk, [mine.Stretch(0, 10, "PEN"), mine.Stretch(10, 20, "IR")], ("PEN", "IR"), 60.0)
    first, second = Parts(), Parts()
    first.removes[0].click()  # PEN, which the second notebook still shows
    second.removes[0].click()
    assert mine.read_labels(walk) == ((10.0, 20.0, "IR"),)


def test_of_several_files_the_good_ones_are_kept_and_the_bad_ones_named(folder: Path) -> None:
    parts = Parts()
    files = {"a.csv": recording_text().encode(), "photo.png": b"\x89PNG", "b.csv": recording_text(70).encode()}
    parts.upload.value = tuple(
        {"name": name, "type": "", "size": len(content), "content": content, "last_modified": datetime.now(UTC)}
        for name, content in files.items()
    )
    assert [name for name, _ in parts.menu.options] == ["a.csv", "b.csv"]
    assert "photo.png" in parts.said


def test_a_file_named_after_an_activity_says_so_and_is_offered_that_one(folder: Path) -> None:
    folder.mkdir()
    (folder / "jogging.csv").write_text(recording_text())
    parts = Parts()
    assert "By its name all of it is Jogging" in parts.said
    assert parts.activity.value == "Jogging"
    parts.add.click()
    parts.removes[0].click()
    assert mine.labelled_files()[folder / "jogging.csv"][0].label == "Jogging"


def test_a_folder_that_cannot_be_is_said_with_what_to_do(folder: Path) -> None:
    folder.write_text("a file")
    assert "Set PMT_RECORDINGS" in Parts().said


def test_a_file_named_after_two_activities_says_so_and_can_still_be_labelled(folder: Path) -> None:
    folder.mkdir()
    (folder / "walking downstairs.csv").write_text(recording_text())
    parts = Parts()
    assert "one activity in its name" in parts.said
    assert parts.output.outputs  # it is drawn
    parts.add.click()
    assert [stretch.label for stretch in mine.read_labels(folder / "walking downstairs.csv")] == [parts.activity.value]
