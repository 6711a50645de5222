"""The benchmark compares like with like: more people of the same kind, and every process counts."""

import re
import subprocess
import sys
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.datasets import load_activity


def test_more_people_have_whole_recordings_of_somebody(benchmark: ModuleType) -> None:
    data = load_activity("watch")
    more = benchmark.resampled(data, range(3, 25))
    assert more.user_ids.tolist() == list(range(3, 25))
    lengths = {len(data.X[data.recordings == number]) for number in np.unique(data.recordings)}
    for user, own in more.by_user().items():
        source = data.select(data.users == data.user_ids[user % 10])
        numbers, counts = np.unique(own.recordings, return_counts=True)
        assert len(numbers) == len(np.unique(source.recordings))
        assert set(counts) <= lengths
        assert {row.tobytes() for row in own.X} < {row.tobytes() for row in source.X}
    fewer = benchmark.resampled(data, range(5, 8)).by_user()
    for user, own in fewer.items():  # the same person, whoever else there is
        np.testing.assert_array_equal(own.X, more.X[more.users == user])


def test_memory_and_processor_time_of_other_processes_count(benchmark: ModuleType) -> None:
    busy = "import time; block = bytearray(80_000_000); started = time.process_time()\n"
    busy += "while time.process_time() < started + 0.4: pass\nprint(flush=True); input()"
    with benchmark.Usage() as usage:
        child = subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()
    child.communicate(b"\n")
    assert usage.peaks[child.pid] > 80_000_000
    assert usage.cpu > 0.3


def test_ratios_are_those_to_the_fewest_people(benchmark: ModuleType) -> None:
    rows = [("a", "x", 10, 4.0, 100.0), ("a", "x", 30, 6.0, 101.0), ("a", "y", 10, 5.0, 50.0)]
    table = benchmark.compared(pd.DataFrame(rows, columns=["what", "where", "people", "CPU ms", "all MB"]))
    assert table["CPU x"].tolist() == [1, 1.5, 1]
    assert table["KB more"].tolist() == pytest.approx([np.nan, 50, np.nan], nan_ok=True)


def test_the_table_says_what_breaks_first(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """The rows of one case are measured; the others are made up of them."""
    pytest.importorskip("distributed")
    measured = benchmark.in_own_process("topics", "Dask", 3, 1)
    assert min(measured[key] for key in ("wall ms", "CPU ms", "again ms")) > 0
    assert min(measured[key] for key in ("parent MB", "scheduler MB", "worker MB")) > 50

    def made_up(what: str, where: str, people: int, rounds: int) -> dict[str, float | str | int]:
        assert rounds == (1 if people > 5 else 2)
        costs = {"CPU ms": 20 * people} if what == benchmark.PAPERS_MODEL else {}
        return {**measured, "what": what, "where": where, "people": people, **costs}

    monkeypatch.setattr(benchmark, "in_own_process", made_up)
    monkeypatch.setattr(sys, "argv", ["growth.py", "100", "5"])
    benchmark.main()
    printed = capsys.readouterr().out
    rows = re.findall(r"^(.+?) +(processes|Dask|here, of one) +(5|100) +[\d.]+ ", printed, re.MULTILINE)
    expected = [(what, where) for what in ("learning curves", "topics") for where in ("processes", "Dask")]
    expected.append(("the paper's model", "here, of one"))
    assert rows == [(*work, people) for work in expected for people in ("5", "100")]
    assert "One among 100 people takes 20.0 times the CPU time of one among 5" in printed
    assert "1,000 epochs each, 5.6 hours." in printed
    assert "takes 1.00 to 1.00 times the CPU time of one among 5, and each person more up to 0 KB" in printed
