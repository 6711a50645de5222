"""A prediction is a band, and the emulated board lies in it, though its seconds are no part of the model."""

from dataclasses import replace

import pandas as pd
import pytest

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import shipped
from pmt_helpers.device import (
    forecast,
    instructions,
    predict_log,
    predict_seconds,
    read_log,
    score_prediction,
)
from pmt_helpers.device.cost_model import KERNEL_BANDS, devices, measured_work
from pmt_helpers.device.pi_profile import KERNELS

EMULATED = {
    ("activity", "numpy"): "emulated-raspi3b-icount-activity",
    ("topics", "numpy"): "emulated-raspi3b-icount-topics",
    ("topics", "python"): "emulated-raspi3b-icount-topics-python",
}


@pytest.fixture
def counts() -> pd.DataFrame:
    """Counts with round numbers, so that seconds can be worked out by hand."""
    rows = [("activity", "numpy", 250_000, 2e9), ("activity", "jax", 40_000, 1e10), ("topics", "numba", 400, 1e10)]
    return pd.DataFrame(rows, columns=["task", "kernel", "per_update", "setup_instructions"])


def emulated(task: str, kernel: str):
    return read_log(shipped("pi_logs", f"{EMULATED[task, kernel]}.jsonl"))


def test_seconds_are_setting_up_and_updates_over_the_rate(counts):
    found = predict_seconds("3b", "numpy", 8_000, table=counts)
    assert (found.setup, found.work, found.seconds) == pytest.approx((2.0, 2.0, 4.0))
    assert (found.low, found.high) == pytest.approx((1 + 2 / 1.3, 4 + 2 * 1.3))
    assert predict_seconds("3b", "numpy", 8_000, setup=False, table=counts).seconds == pytest.approx(2.0)


def test_the_band_is_the_wider_of_the_boards_and_the_kernels(counts):
    widths = {
        (board, kernel): predict_seconds(board, kernel, 1, setup=False, table=counts)
        for board in ("3b", "5")
        for kernel in ("numpy", "jax")
    }
    factors = {key: found.high / found.seconds for key, found in widths.items()}
    assert factors == pytest.approx({("3b", "numpy"): 1.3, ("5", "numpy"): 1.6, ("3b", "jax"): 2.0, ("5", "jax"): 2.0})


def test_a_prediction_never_shows_itself_without_its_band(counts):
    said = str(predict_seconds("zero-2w", "numpy", 1_000, table=counts))
    assert "zero-2w" in said
    assert "predicted" in said
    assert "2.71 s (1.44 to 5.21)" in said


def test_a_faster_board_takes_less(counts):
    seconds = [
        predict_seconds(board, "numpy", 10_000, table=counts).seconds
        for board in ("zero-2w", "3b", "3b-plus", "4b", "5")
    ]
    assert seconds == sorted(seconds, reverse=True)


@pytest.mark.parametrize(("board", "kernel", "updates"), [("6", "numpy", 1), ("3b", "torch", 1), ("3b", "numpy", -1)])
def test_what_is_not_known_is_named_with_what_is(counts, board, kernel, updates):
    with pytest.raises(ValueError, match=r"there are .*|updates must be a whole number from 0"):
        predict_seconds(board, kernel, updates, table=counts)


def test_every_board_has_a_source_and_a_clock_unless_emulated():
    assert all(len(board.source) > 20 for board in devices().values())
    clockless = [name for name, board in devices().items() if pd.isna(board.clock_mhz)]
    assert clockless == ["emulated-raspi3b"] == [name for name, board in devices().items() if board.emulated]
    assert all(board.stress_w > board.idle_w for board in devices().values() if not pd.isna(board.stress_w))


def test_a_missing_or_a_wrong_table_of_counts_is_refused(tmp_path):
    with pytest.raises(DataError, match="count_instructions"):
        instructions(tmp_path / "none.csv")
    (tmp_path / "wrong.csv").write_text("task,kernel\nactivity,numpy\n")
    with pytest.raises(DataError, match="per_update"):
        instructions(tmp_path / "wrong.csv")


@pytest.mark.parametrize("path", sorted(shipped("pi_logs").glob("emulated-*.jsonl")), ids=lambda path: path.stem)
def test_the_emulated_board_lies_in_the_band(path):
    """Counted in user mode, with other builds of Python and NumPy; the board ran a whole Linux. Nothing is fitted."""
    log = read_log(path)
    trained = log.spans.loc[log.spans["phase"] == "train", ["task", "kernel"]].astype(str).drop_duplicates()
    ((task, kernel),) = trained.itertuples(index=False)
    score = score_prediction(predict_log("emulated-raspi3b", log, kernel, task=task), log)
    print(score)
    assert score.inside
    assert score.origin == "emulated-raspi3b-icount"


def test_a_board_twice_as_fast_is_outside():
    log = emulated("topics", "python")
    fast = replace(devices()["emulated-raspi3b"], rate=2.0)
    score = score_prediction(predict_log(fast, log, "python", task="topics"), log)
    assert not score.inside
    assert "outside" in str(score)


def test_only_the_same_work_is_compared(counts):
    log = emulated("activity", "numpy")
    with pytest.raises(ValueError, match="predict those"):
        score_prediction(predict_seconds("emulated-raspi3b", "numpy", 7, table=counts), log)
    with pytest.raises(ValueError, match="no training of task topics"):
        measured_work(log, "numpy", "topics")


def test_setting_up_is_compared_where_it_was_predicted(written, good, counts):
    for record in good[1:4]:
        if record["ev"] == "span":
            record.update(task="activity", kernel="numpy")
    log = read_log(written(good))
    with_setup = score_prediction(predict_seconds("3b", "numpy", 20, table=counts), log)
    without = score_prediction(predict_seconds("3b", "numpy", 20, setup=False, table=counts), log)
    assert with_setup.measured - without.measured == pytest.approx(0.4)


def test_a_log_of_the_paper_has_no_updates_to_compare(counts):
    log = read_log(shipped("pi_logs", "paper-digitised-figure8a.jsonl"))
    with pytest.raises(ValueError, match="no training"):
        predict_log("3b", log, "numpy", table=counts)


def test_kernels_with_a_band_of_their_own_are_kernels():
    assert set(KERNEL_BANDS) <= set(KERNELS["activity"])


def test_a_forecast_names_the_real_boards(counts):
    rows = forecast(["numpy"], 1000, table=counts)
    assert rows["device"].tolist() == ["Pi Zero 2 W", "Pi 3B", "Pi 3B+", "Pi 4B", "Pi 5"]
    assert set(rows["origin"]) == {"predicted"}
    assert (rows["low"] < rows["seconds"]).all()
