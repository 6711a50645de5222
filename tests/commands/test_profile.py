"""profile: a log of each task, or the file that a Pi runs; never a log written over."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from pmt_helpers.commands.profile import record_profile
from pmt_helpers.device import pi_profile, read_log

SMALL = ("--samples", "5,10", "--epochs", "2", "--documents", "2,4", "--percents", "50", "--iterations", "2")


@pytest.mark.parametrize(
    ("task", "kernel", "trained"),
    [("activity", "numpy", [5, 5, 10, 10]), ("activity", "numba", [5000, 10000]), ("topics", "numba", None)],
)
def test_a_task_is_recorded_on_the_workbooks_own_data(tmp_path: Path, task: str, kernel: str, trained) -> None:
    out = tmp_path / "new" / "log.jsonl"
    arguments = ["--task", task, "--kernel", kernel, "--out", str(out), "--note", "a test", "--origin", "measured-host"]
    done = CliRunner().invoke(record_profile, [*arguments, *SMALL])
    assert done.exit_code == 0, done.output
    assert "measured-host" in done.output
    log = read_log(out)
    assert log.complete
    assert (log.header["task"], log.header["note"]) == (
        task,
        "data set: wikipedia; a test" if task == "topics" else "data set: watch; a test",
    )
    train = log.spans.query("phase == 'train'")
    assert trained is None or train["updates"].tolist() == trained
    assert log.spans["phase"].tolist()[:3] == ["import", "load", "build"]
    assert ("compile" in log.spans["phase"].tolist()) == (kernel == "numba")
    if task == "topics":
        assert train["n_documents"].tolist() == [2, 4, 4]
        assert (train["updates"] == 2 * train["n_tokens"]).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say --out"),
        (["--out", "log.jsonl", "--task", "topics", "--kernel", "jax"], "numpy, numba, python"),
        (["--out", "log.jsonl", "--samples", "20,none"], "no list of whole numbers"),
        (["--out", "log.jsonl", "--origin", "my-pi"], "not one of"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(record_profile, arguments)
    assert done.exit_code == 2
    assert says in done.output
    assert not Path("log.jsonl").exists()


def test_a_log_is_never_written_over(tmp_path: Path) -> None:
    out = tmp_path / "log.jsonl"
    out.write_text("precious")
    done = CliRunner().invoke(record_profile, ["--out", str(out)])
    assert (done.exit_code, out.read_text()) == (2, "precious")
    assert "already" in done.output


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = CliRunner().invoke(record_profile, ["--out", str(tmp_path / "log.jsonl"), "--kernel", "numba"])
    assert "needs the package numba" in done.output


def test_the_file_that_a_pi_runs_is_copied(tmp_path: Path) -> None:
    out = tmp_path / "pi_profile.py"
    done = CliRunner().invoke(record_profile, ["--export", str(out)])
    assert done.exit_code == 0
    assert out.read_bytes() == Path(pi_profile.__file__).read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["pi_profile.py"]
