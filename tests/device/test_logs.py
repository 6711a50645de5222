"""The reader takes every log that a recorder writes, and refuses what is not one, naming the line and what to do."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.device import Recorder, read_log, read_logs, series
from pmt_helpers.device.pi_profile import ORIGINS, PHASES, Sensors

Written = Callable[..., Path]


def changed(records: list[dict], place: int, **fields: object) -> list[dict]:
    records[place] = {name: value for name, value in {**records[place], **fields}.items() if value is not ...}
    return records


def test_a_good_log_is_two_tables_and_a_header(good: list[dict], written: Written) -> None:
    log = read_log(written(good))
    assert (log.origin, log.complete, log.notes) == ("measured-pi", True, ())
    assert log.spans["phase"].tolist() == ["import", "train"]
    assert log.spans["n_samples"].tolist() == pytest.approx([np.nan, 20], nan_ok=True)
    assert log.samples["temp_c"].tolist() == [48.5, 50]
    assert log.samples["freq_mhz"].tolist() == pytest.approx([1300, np.nan], nan_ok=True)


def test_unknown_fields_are_ignored(good: list[dict], written: Written) -> None:
    log = read_log(written(changed(good, 1, mood="good", steps=[1, None, {"a": 2}])))
    assert not {"mood", "steps"} & set(log.spans)


@pytest.mark.parametrize("end", ["\r\n", "\n\n"])
def test_line_ends_and_byte_order_marks_do_no_harm(good: list[dict], written: Written, end: str) -> None:
    text = "\ufeff" + end.join(map(json.dumps, good)) + end
    assert read_log(written(text)).complete


@pytest.mark.parametrize(
    ("spoil", "line", "says"),
    [
        (lambda g: [], None, "an empty file"),
        (lambda g: g[1:], 1, "a header first"),
        (lambda g: changed(g, 0, schema="pi-profile/9"), 1, "schema 'pi-profile/9'"),
        (lambda g: changed(g, 0, schema=...), 1, "without schema"),
        (lambda g: changed(g, 0, origin=...), 1, "without origin"),
        (lambda g: changed(g, 0, origin="a friend"), 1, "origin 'a friend'"),
        (lambda g: changed(g, 0, run_id=...), 1, "run_id"),
        (lambda g: [*g[:3], g[0], *g[3:]], 4, "a second one"),
        (lambda g: [*g, g[1]], 7, "nothing after the end"),
        (lambda g: changed(g, 4, t_s=0.5), 5, "0.5 s after 1 s"),
        (lambda g: changed(g, 3, t_s=0.0, wall_s=0.1), 4, "0.1 s after 0.6 s"),
        (lambda g: changed(g, 5, t_s=1.0), 6, "1 s after 2 s"),
        (lambda g: changed(g, 2, t_s=...), 3, "a time, t_s"),
        (lambda g: changed(g, 1, wall_s=...), 2, "wall_s in each span"),
        (lambda g: changed(g, 1, phase="thinking"), 2, "'thinking'"),
        (lambda g: changed(g, 1, cpu_s=None), 2, "cpu_s as a number"),
        (lambda g: changed(g, 1, cpu_s=True), 2, "cpu_s as a number"),
        (lambda g: changed(g, 1, cpu_s="0.5"), 2, "cpu_s as a number"),
        (lambda g: changed(g, 1, cpu_s=-0.5), 2, "cpu_s from zero on"),
        (lambda g: changed(g, 3, updates=2.5), 4, "whole number"),
        (lambda g: changed(g, 2, freq_mhz=[1200, None]), 3, "freq_mhz"),
        (lambda g: changed(g, 2, ev="rumour"), 3, "ev, one of"),
    ],
)
def test_what_is_no_log_is_refused_with_its_line(
    good: list[dict], written: Written, spoil: Callable, line: int | None, says: str
) -> None:
    path = written(spoil(good))
    with pytest.raises(DataError) as refused:
        read_log(path)
    assert str(refused.value).startswith(f"cannot use {path}" + (f", line {line}\n" if line else "\n"))
    assert says in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400, "9" * 5000])
@pytest.mark.parametrize("field", ["t_s", "wall_s", "updates"])
def test_times_and_counts_that_are_no_numbers_are_refused(
    good: list[dict], written: Written, number: str, field: str
) -> None:
    lines = [json.dumps(record) for record in changed(good, 3, **{field: "here"})]
    with pytest.raises(DataError, match="line 4"):
        read_log(written("\n".join(lines).replace('"here"', number) + "\n"))


@pytest.mark.parametrize(
    "damage", [b"{", b"[1, 2]", b"\xff\xfe", b'{"ev": "span"} {"ev": "span"}', b"[" * 5000, b"0\0"]
)
def test_damage_in_the_middle_is_refused(good: list[dict], written: Written, damage: bytes) -> None:
    lines = [json.dumps(record).encode() for record in good]
    with pytest.raises(DataError, match="line 3"):
        read_log(written(b"\n".join([*lines[:2], damage, *lines[2:]]) + b"\n"))


def test_a_power_cut_costs_one_record_and_is_noted(good: list[dict], written: Written) -> None:
    whole = "".join(json.dumps(record) + "\n" for record in good[:4])
    log = read_log(written(whole + '{"ev": "sample", "t_s": 2.'))
    assert (len(log.spans), len(log.samples), log.complete) == (2, 1, False)
    assert "cut off in its last record, line 5" in log.notes[0]
    zeros = read_log(written(whole + "\0" * 4096))
    assert (len(zeros.spans), zeros.complete) == (2, False)
    assert "zeros" in zeros.notes[0]


def test_a_file_without_lines_is_refused_without_reading_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.jsonl"
    with path.open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(DataError, match="line 1"):
        read_log(path)


def test_a_missing_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_log(tmp_path / "nowhere.jsonl")


def test_origins_are_kept_apart(good: list[dict], written: Written, tmp_path: Path) -> None:
    written(good, "a.jsonl")
    written(changed(good, 0, origin="measured-host", run_id="r2"), "b.jsonl")
    written(changed(good, 0, origin="measured-host", run_id="r3"), "c.jsonl")
    logs = read_logs(tmp_path)
    assert {origin: len(of_it) for origin, of_it in logs.items()} == {"measured-pi": 1, "measured-host": 2}
    host = series(logs["measured-host"], "measured-host")
    assert host["run_id"].tolist() == ["r2", "r2", "r3", "r3"]
    assert set(host["origin"]) == {"measured-host"}
    with pytest.raises(ValueError, match=r"a\.jsonl is measured-pi"):
        series([*logs["measured-host"], *logs["measured-pi"]], "measured-host")
    with pytest.raises(ValueError, match="logs is empty"):
        series([], "predicted")


def test_only_what_was_not_measured_may_lack_times(good: list[dict], written: Written) -> None:
    for origin in ORIGINS:
        path = written([{**good[0], "origin": origin}, {"ev": "span", "phase": "train", "wall_s": 3.0}])
        if origin in ("paper-digitised", "predicted"):
            assert read_log(path).spans["wall_s"].tolist() == [3]
        else:
            with pytest.raises(DataError, match="line 2"):
                read_log(path)


class Quick(Sensors):
    """Its samples are the fields that the test sets."""

    def __init__(self, **reading: object) -> None:
        super().__init__("/nowhere")
        self.reading = reading

    def machine(self) -> dict:
        return {"machine": "riscv64", "python": "3.9.2"}

    def sample(self, sensors: bool = True) -> dict:
        return dict(self.reading)


counts = st.integers(0, 10**12)
spans = st.fixed_dictionaries(
    {"phase": st.sampled_from(PHASES)},
    optional={
        "task": st.sampled_from(["activity", "topics"]),
        "kernel": st.text(max_size=8),
        "n_samples": counts,
        "updates": counts,
        "epoch": st.none() | counts,
        "latency_ms_p99": st.floats(0, 1e6) | st.just(float("nan")),
    },
)
readings = st.fixed_dictionaries(
    {},
    optional={"temp_c": st.floats(-40, 120), "freq_mhz": st.lists(st.floats(1, 9e3), min_size=1), "throttled": counts},
)


@settings(max_examples=60)
@given(
    origin=st.sampled_from(ORIGINS),
    note=st.none() | st.text(st.characters(codec="utf-8"), max_size=12),
    steps=st.lists(spans | readings, max_size=6),
    cut=st.floats(0, 1),
)
def test_a_log_cut_anywhere_is_read_to_its_last_whole_record(
    origin: str, note: str | None, steps: list[dict], cut: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log.jsonl")
        quick = Quick()
        with Recorder(path, origin, note=note, every_s=0, readings=quick) as recorder:
            for step in steps:
                if "phase" in step:
                    with recorder.span(**step):
                        pass
                else:
                    quick.reading = step
                    recorder.sample()
        log = read_log(path)
        assert log.complete
        n_spans = sum("phase" in step for step in steps)
        assert (len(log.spans), len(log.samples)) == (n_spans, len(steps) - n_spans)
        for name in ("n_samples", "kernel", "temp_c"):
            written = [step[name] for step in steps if name in step]
            table = log.samples if name == "temp_c" else log.spans
            back = table[name].dropna().tolist() if name in table else []
            assert back == (written if name == "kernel" else pytest.approx(written, abs=1e-6))

        whole = path.read_bytes()
        part = whole[: round(cut * len(whole))]
        path.write_bytes(part)
        ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
        n_whole = sum(at <= len(part) for at in ends)  # a record without its line end is whole too
        if n_whole == 0:
            with pytest.raises(DataError, match=r"header|empty|JSON"):
                read_log(path)
        else:
            again = read_log(path)
            assert len(again.spans) + len(again.samples) + again.complete == n_whole - 1
            assert again.complete == (n_whole == len(ends))
            assert again.complete or again.notes


LONG = """
import resource, sys
from pmt_helpers.device.logs import read_log
import pandas
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
log = read_log(sys.argv[1])
print(len(log.spans), len(log.samples), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def test_a_log_of_100_mb_takes_less_memory_than_its_text(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    span = (
        '{"ev": "span", "phase": "train", "t_s": %d.5, "wall_s": 0.25, "cpu_s": 0.25, "ctx_vol": 0, "ctx_invol": 2, '
        '"minflt": 25, "majflt": 0, "rss_mb": 38.46875, "peak_rss_mb": 38.359375, "task": "activity", "kernel": '
        '"numpy", "n_samples": 20, "epoch": %d, "updates": 20, "of_mine": "%s"}\n'
    )
    n = 190_000
    with path.open("w") as file:
        file.write('{"ev": "header", "schema": "pi-profile/1", "run_id": "r", "origin": "measured-pi"}\n')
        file.writelines(span % (second, second, "x" * 250) for second in range(n))
    assert path.stat().st_size > 100e6
    done = subprocess.run([sys.executable, "-c", LONG, str(path)], capture_output=True, text=True, check=True)
    n_spans, n_samples, mb = map(float, done.stdout.split())
    assert (n_spans, n_samples) == (n, 0)
    assert mb < 40, "8 bytes a number: 13 of them in a span, and two texts of 4"


def test_one_bad_file_does_not_stop_the_others(good: list[dict], written: Written, tmp_path: Path) -> None:
    written(good, "a.jsonl")
    written(good, "LOUD.JSONL")
    written(b"\0\5\x16\7Mac OS X", "._a.jsonl")
    written("no log\n", "bad.jsonl")
    written(good, "notes.txt")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "lost.jsonl").symlink_to(tmp_path / "nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jsonl")
    logs = read_logs(tmp_path)
    assert [log.path.name for log in logs["measured-pi"]] == ["LOUD.JSONL", "a.jsonl"]
    reasons = dict(logs.skipped)
    assert list(reasons)[:3] == ["bad.jsonl, line 1", "folder.jsonl", "lost.jsonl"]
    assert "found Is a directory" in reasons["folder.jsonl"]
    assert "found No such file" in reasons["lost.jsonl"]
    assert "a pipe or device" in reasons.get("pipe.jsonl", "a pipe or device")


def test_any_number_of_zeros_after_a_power_cut_is_noted(good: list[dict], written: Written) -> None:
    whole = "".join(json.dumps(record) + "\n" for record in good[:4])
    log = read_log(written(whole + "\0" * 3_000_000))
    assert (len(log.spans), log.complete) == (2, False)
    assert "zeros" in log.notes[0]
    with pytest.raises(DataError, match="line 5"):
        read_log(written(whole + "\0" * 3_000_000 + json.dumps(good[4]) + "\n"))


def test_a_log_has_an_end(good: list[dict], written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmt_helpers.device.logs.MOST_LINES", 100)
    with pytest.raises(DataError, match="100 lines"):
        read_log(written(json.dumps(good[0]) + "\n" * 1000))


@pytest.mark.parametrize(
    "field",
    [
        {"note": 5}, {"note": {"a": 1}}, {"model": ["x"]}, {"task": "x" * 2000}, {"mem_limit_mb": "512"},
        {"run_id": "\ud800"}, {"cpu": "half \udc00"},
    ],
)  # fmt: skip
def test_a_header_that_nothing_could_show_is_refused(good: list[dict], written: Written, field: dict) -> None:
    with pytest.raises(DataError, match="line 1"):
        read_log(written(changed(good, 0, **field)))


def test_a_machine_is_its_model_or_else_its_processor(good: list[dict], written: Written) -> None:
    names = {"machine": "x86_64", "cpu": "some processor", "model": "Raspberry Pi 5"}
    for known in ((), ("machine",), ("machine", "cpu"), ("machine", "cpu", "model")):
        log = read_log(written(changed(good, 0, **{name: names[name] for name in known})))
        assert log.machine == (names[known[-1]] if known else "")
