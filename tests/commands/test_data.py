"""The data command: what is here, getting it, and holding it to its card."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from pmt_helpers.commands.data import data_group
from pmt_helpers.datasets import DataError, dataset_names, load_activity, load_recordings
from pmt_helpers.datasets.mine import Stretch, write_labels
from pmt_helpers.datasets.registry import ACTIVITY
from pmt_helpers.datasets.wisdm import ARFF


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PMT_RECORDINGS", str(tmp_path / "my_recordings"))
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))
    return tmp_path


def test_the_list_says_what_is_here_and_how_to_get_the_rest() -> None:
    result = CliRunner().invoke(data_group, ["list"])
    assert result.exit_code == 0
    header, *lines = result.output.splitlines()
    assert header.split() == ["name", "present", "holds", "size", "title", "where"]
    by_name = {line.split()[0]: line for line in lines}
    assert tuple(by_name) == (*dataset_names(), "mine")
    assert by_name["mine"].split()[:5] == ["mine", "no", "0", "labelled", "recordings"]
    watch, wisdm, wikipedia, news, nips = (by_name[name] for name in ("watch", "wisdm", "wikipedia", "news", "nips"))
    assert watch.split()[:8] == ["watch", "yes", "1,737", "windows", "of", "10", "people", "18.1"]
    assert wisdm.split()[:8] == ["wisdm", "no", "5,418", "windows", "of", "36", "people", "-"]
    assert "python -m pmt_helpers data fetch wisdm" in wisdm
    assert wikipedia.split()[:7] == ["wikipedia", "yes", "1,265", "documents,", "11,087", "words", "1.7"]
    assert news.split()[:2] == ["news", "yes"]
    assert nips.split()[:2] == ["nips", "no"]
    assert "python -m pmt_helpers data fetch nips" in nips


@pytest.mark.parametrize("name", ["watch", "news"])
def test_what_is_installed_agrees_with_its_card(name: str) -> None:
    result = CliRunner().invoke(data_group, ["check", name])
    assert result.exit_code == 0
    assert "stated:" in result.output
    assert "DIFFERS" not in result.output


def test_an_export_of_yours_has_no_time_of_day_and_reads_as_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Sensor Logger's files tell when they were recorded, to the nanosecond."""
    monkeypatch.setenv("PMT_RECORDINGS", str(tmp_path / "in"))
    t = np.arange(0, 300, 0.02)
    rows = "".join(f"{10**18 + int(s * 1e9)},{s:.2f},{np.sin(9 * s):.4f},9.7,1\n" for s in t)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text(f"time,seconds_elapsed,z,y,x\n{rows}")
    write_labels(tmp_path / "in" / "a.csv", [Stretch(0, 150, "PEN"), Stretch(150, 300, "ABD")], ("PEN", "ABD"), 300)
    before = load_recordings("mine")
    result = CliRunner().invoke(data_group, ["export-mine", str(tmp_path / "out" / "mine.csv")])
    assert result.exit_code == 0, result.output
    assert "2 stretches" in result.output
    [line] = [line for line in CliRunner().invoke(data_group, ["list"]).output.splitlines() if line[:4] == "mine"]
    assert line.split()[:3] == ["mine", "yes", "1"]
    assert line.endswith(str(tmp_path / "in"))
    written = np.loadtxt(tmp_path / "out" / "mine.csv", delimiter=",", skiprows=1)
    assert (written[0, 0], written[-1, 0].round()) == (0, 300)  # and no other number stands for a time
    assert np.abs(written[:, 1:]).max() < 10
    monkeypatch.setenv("PMT_RECORDINGS", str(tmp_path / "out"))
    after = load_recordings("mine")
    assert [r.class_name for r in after] == ["PEN", "ABD"]
    for one, two in zip(before, after, strict=True):  # trimmed once, not twice
        assert abs(len(one.signal) - len(two.signal)) <= 2
        np.testing.assert_allclose(two.signal[5:-5], one.signal[: len(two.signal)][5:-5], atol=1e-2)
    again = CliRunner().invoke(data_group, ["export-mine", str(tmp_path / "out" / "mine.csv")])
    assert isinstance(again.exception, DataError)  # nothing is written over


def test_without_a_name_only_what_is_present_is_checked() -> None:
    result = CliRunner().invoke(data_group, ["check"])
    assert result.exit_code == 0
    assert all(f"{name}:" in result.output for name in ("watch", "wikipedia", "news"))
    assert "wisdm:" not in result.output
    assert "nips:" not in result.output


def test_a_difference_is_named_and_fails_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load_activity("watch")
    fewer = replace(ACTIVITY["watch"], load=lambda: whole.select(slice(0, 1000)))
    monkeypatch.setitem(ACTIVITY, "watch", fewer)
    result = CliRunner().invoke(data_group, ["check", "watch"])
    assert result.exit_code == 1
    assert (
        "stated: windows 1,737, users 10, features 43\n    found:  windows 1,000, users 10, features 43\n    DIFFERS"
        in result.output
    )


@pytest.mark.parametrize("name", ["wisdm", "nips"])
def test_checking_what_is_not_here_says_how_to_get_it(name: str) -> None:
    result = CliRunner().invoke(data_group, ["check", name])
    assert result.exit_code == 1
    assert f"data fetch {name}" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", ["watch", "news"])
def test_fetching_what_is_installed_has_nothing_to_do(name: str) -> None:
    result = CliRunner().invoke(data_group, ["fetch", name])
    assert result.exit_code == 0
    assert "nothing to fetch" in result.output


def test_fetching_over_a_bad_file_names_it_and_keeps_it(empty_home: Path) -> None:
    bad = empty_home / "wisdm" / ARFF
    bad.parent.mkdir()
    bad.write_text("<html>oops</html>")
    result = CliRunner().invoke(data_group, ["fetch", "wisdm"])
    assert result.exit_code == 1
    assert str(bad) in result.output
    assert "Delete the file" in result.output
    assert bad.exists()


def test_an_unknown_name_is_refused() -> None:
    result = CliRunner().invoke(data_group, ["fetch", "mnist"])
    assert result.exit_code == 2
    assert ", ".join(map(repr, dataset_names())) in result.output
