"""The audit finds devices whose messages depend on their owner's data, where it can, and passes those that do not."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.system import audit
from pmt_helpers.system.audit import DEVICES, Recording, audit_devices, audit_processes, compare_recordings, share_read

LABELS = [np.array(labels) for labels in ([5, 2, 0], [4, 1, 3], [0, 2, 4], [3, 5, 1])]
BEFORE, WIRE = "before encryption", "on the wire"


def verdicts(table: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """Of number, lengths and bytes, by device and place; times depend on how busy this machine is."""
    table = table[table["channel"] != "times"]
    return {
        device: {place: part["verdict"].tolist() for place, part in rows.groupby("place")}
        for device, rows in table.groupby("device")
    }


def test_four_cheats_are_found_before_encryption_and_only_one_of_them_once_it_is_encrypted() -> None:
    hidden = ["same", "same", "random"]
    assert verdicts(audit_devices(DEVICES, LABELS, encrypted=True)) == {
        "honest": {BEFORE: ["same", "same", "same"], WIRE: hidden},
        "order of pieces": {BEFORE: ["same", "same", "differs"], WIRE: hidden},
        "version field": {BEFORE: ["same", "same", "differs"], WIRE: hidden},
        "asks again": {BEFORE: ["differs", "differs", "differs"], WIRE: ["same", "differs", "random"]},
        "waits": {BEFORE: ["same", "same", "same"], WIRE: hidden},
    }


def test_a_plain_wire_shows_what_is_there_before_encryption() -> None:
    found = verdicts(audit_devices(DEVICES, LABELS[:2], encrypted=False))
    assert {name: places[WIRE] for name, places in found.items()} == {
        "honest": ["same", "same", "same"], "order of pieces": ["same", "same", "differs"],
        "version field": ["same", "same", "differs"], "asks again": ["same", "differs", "differs"],
        "waits": ["same", "same", "same"],
    }  # fmt: skip


def test_a_device_that_hides_behind_chance_is_not_taken_for_an_honest_one() -> None:
    rng = np.random.default_rng(0)

    def shuffles(ask: Any, questions: list[bytes], labels: np.ndarray) -> None:
        for i in rng.permutation(len(questions)):
            ask(questions[i])

    assert verdicts(audit_devices({"mine": shuffles}, LABELS[:2]))["mine"][BEFORE] == ["same", "same", "random"]


def test_what_a_device_does_only_on_data_that_was_not_tried_is_not_found_but_the_cloud_reads_it() -> None:
    def waits_for_its_chance(ask: Any, questions: list[bytes], labels: np.ndarray) -> None:
        DEVICES["asks again" if labels[0] == labels[1] else "honest"](ask, questions, labels)

    found = verdicts(audit_devices({"mine": waits_for_its_chance}, LABELS[:2]))
    assert found["mine"][BEFORE] == ["same", "same", "same"]
    assert share_read(waits_for_its_chance, asked_again) > share_read(DEVICES["honest"], asked_again)


def asked_again(run: Recording) -> int:
    return int(len(set(run.messages)) < len(run.messages))


def first_label(run: Recording) -> int:
    """From the order of chunks, as a cloud would: it tries all labels."""
    order = [int.from_bytes(question[28:32], "big") for question in run.messages[1:]]
    for number in range(6**3):
        labels = number // 36, number // 6 % 6, number % 6
        if np.random.default_rng(labels).permutation(len(order)).tolist() == order:
            return labels[0] % 2
    raise AssertionError("no labels have this order")


@pytest.mark.parametrize(
    ("name", "read_bit"),
    [
        ("order of pieces", first_label),
        ("version field", lambda run: run.messages[0][27] % 2),
        ("asks again", asked_again),
    ],
)
def test_the_cloud_reads_each_cheats_bit_at_every_visit_through_the_encryption(name: str, read_bit: Any) -> None:
    assert share_read(DEVICES[name], read_bit) == 1
    guessed = [share_read(DEVICES["honest"], lambda run, bit=bit: bit) for bit in (0, 1)]
    assert sum(guessed) == 1
    assert min(guessed) > 0.2


def test_an_answer_comes_back_and_none_where_the_shelf_has_none() -> None:
    answers = []

    def curious(ask: Any, questions: list[bytes], labels: np.ndarray) -> None:
        answers.extend([len(ask(questions[0])), len(ask(questions[1])), ask(questions[1][:27] + b"\7" + bytes(36))])

    audit_devices({"mine": curious}, LABELS[:2])
    assert answers[:3] == [answers[0], 4096, b""]
    assert answers[0] > 64


def run(*seconds: float, messages: tuple[bytes, ...] = (b"a", b"b")) -> Recording:
    return Recording(messages, seconds, (b"ab",), seconds[:2])


def jittering(n: int, waits: float = 0.0) -> list[Recording]:
    """Runs whose second message comes after 10, 20, ... milliseconds and a wait."""
    return [run(0.0, waits + 0.01 * (i + 1)) for i in range(n)]


@pytest.mark.parametrize(("waits", "verdict"), [(0.0, "same"), (0.01, "same"), (0.5, "differs")])
def test_a_wait_is_found_when_it_is_longer_than_an_honest_devices_jitter(waits: float, verdict: str) -> None:
    same_data = jittering(10)
    table = compare_recordings([jittering(5), jittering(5, waits)], same_data).set_index(["place", "channel"])
    assert table.loc[(BEFORE, "times"), "verdict"] == table.loc[(WIRE, "times"), "verdict"] == verdict
    assert table.loc[(BEFORE, "times"), "difference_s"] == pytest.approx(waits)
    assert table.loc[(BEFORE, "times"), "tolerance_s"] == pytest.approx(0.05)  # if one person had the five slowest
    assert (table["verdict"].drop("times", level="channel") == "same").all()


@pytest.mark.parametrize(("waits", "verdict"), [(0.009, "same"), (0.011, "differs")])
def test_on_a_machine_without_jitter_ten_milliseconds_are_tolerated(waits: float, verdict: str) -> None:
    table = compare_recordings([[run(0.0, 0.1)] * 2, [run(0.0, 0.1 + waits)] * 2], [run(0.0, 0.1)] * 4)
    assert set(table.query("channel == 'times'")["verdict"]) == {verdict}


def test_times_of_other_numbers_of_messages_differ_and_without_a_tolerance_they_are_not_judged() -> None:
    more = [run(0.0, 0.1, 0.2, messages=(b"a", b"b", b"c"))] * 2
    judged = compare_recordings([jittering(2), more], jittering(4)).query("channel == 'times'")
    assert judged["verdict"].tolist()[0] == "differs"
    assert judged["difference_s"].isna().tolist() == [True, False]
    assert set(compare_recordings([jittering(2)] * 2).query("channel == 'times'")["verdict"]) == {"not judged"}


def test_what_was_seen_on_the_wire_alone_is_compared_there_alone() -> None:
    only_wire = [Recording((), (), (b"ab",), (0.0, 0.1))] * 2
    assert set(compare_recordings([only_wire, only_wire])["place"]) == {WIRE}


def test_too_little_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match=r"recordings must be two or more runs .* got \[2, 1\]"):
        compare_recordings([jittering(2), jittering(1)])
    with pytest.raises(ValueError, match="recordings must be"):
        compare_recordings([jittering(2)])
    with pytest.raises(ValueError, match="same_data must be 4 runs or more"):
        compare_recordings([jittering(2), jittering(2)], jittering(3))
    for private_sets in (LABELS[:1], [LABELS[0], LABELS[1][:2]]):
        with pytest.raises(ValueError, match="private_sets must be"):
            audit_devices(DEVICES, private_sets)
    with pytest.raises(ValueError, match="a question is 64 bytes; this device asked b'please'"):
        audit_devices({"mine": lambda ask, questions, labels: ask(b"please")}, LABELS)


def people(*n_windows: int) -> list[dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Windows of people who differ, and in how many they have."""
    return [
        {
            part: (rng.normal(size=(n, 43)).astype(np.float32), np.r_[seed % 2, rng.integers(0, 6, n - 1)])
            for part in ("train", "validation")
        }
        for seed, n in enumerate(n_windows)
        for rng in [np.random.default_rng(seed)]
    ]


def test_the_real_devices_processes_send_the_same_bytes_whoever_the_person_and_however_much_data() -> None:
    table = audit_processes(people(20, 20, 20, 200), encrypted=False).set_index("channel")
    assert table["verdict"].to_dict() == {"number": "same", "lengths": "same", "bytes": "same", "times": "not judged"}


def test_a_device_process_that_visits_as_its_labels_say_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheat = tmp_path / "cheat"
    cheat.write_text(
        f"#!{sys.executable}\nimport json, sys, numpy\nfrom pmt_helpers.system import device\n"
        "told = json.loads(sys.argv[-1])\n"
        "told['plan']['visits'] = 1 + int(numpy.load(told['windows'])['train_y'][0])\n"
        "sys.argv[1:] = [json.dumps(told)]\nsys.exit(device.main())\n"
    )
    cheat.chmod(0o755)
    monkeypatch.setattr(audit.sys, "executable", str(cheat))
    table = audit_processes(people(20, 20), encrypted=True).set_index("channel")
    assert table["verdict"].tolist()[:2] == ["differs", "differs"]


def test_a_device_that_fails_is_told_with_its_own_words() -> None:
    wide = [{"train": (X[:, :9], y), "validation": (X, y)} for X, y in (p["train"] for p in people(5, 5))]
    with pytest.raises(RuntimeError, match=r"(?s)a device failed: .*9"):
        audit_processes(wide)
