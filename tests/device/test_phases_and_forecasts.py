"""Where the time of a kernel goes, and what it would be on boards that are not at hand."""

import pandas as pd
import pytest

from pmt_helpers.datasets.files import shipped
from pmt_helpers.device import forecast, forecast_log, predicted_parts, read_log, read_logs, time_by_phase

COUNTS = pd.DataFrame(
    [
        ("activity", "numpy", 200_000, 2e9),
        ("activity", "numba", 50_000, 1e10),
        ("activity", "keras_fit", 600_000, 2e10),
        ("topics", "numpy", 70_000, 2e9),
        ("topics", "python", 40_000, 1e8),
        ("topics", "numba", 400, 1e10),
    ],
    columns=["task", "kernel", "per_update", "setup_instructions"],
)


@pytest.fixture(scope="module")
def logs():
    return read_logs(shipped("pi_logs"))


def test_most_of_the_time_of_interpreted_kernels_is_the_interpreters(logs):
    parts = time_by_phase(logs["measured-host"]).set_index(["task", "kernel"])
    assert parts.loc[("activity", "numba"), "interpreter"] == pytest.approx(0, abs=1e-9)
    for kernel in ("numpy", "keras_fit", "keras_batch"):
        row = parts.loc[("activity", kernel)]
        assert row["interpreter"] > 3 * row["arithmetic"] > 0
    assert parts.loc[("topics", "python"), "interpreter"] > 10 * parts.loc[("topics", "python"), "arithmetic"]


def test_the_parts_add_up_to_what_the_log_has(logs):
    log = read_log(shipped("pi_logs", "measured-host-topics-numba.jsonl"))
    parts = time_by_phase([log])
    work = log.spans[log.spans["phase"] != "inference"]
    assert parts[["setup", "interpreter", "arithmetic"]].sum().sum() == pytest.approx(work["cpu_s"].sum())


def test_without_a_compiled_log_arithmetic_is_by_counted_instructions(logs):
    without = [log for log in logs["emulated-raspi3b-icount"] if "numba" not in set(log.spans["kernel"].astype(str))]
    row = time_by_phase(without, COUNTS).set_index(["task", "kernel"]).loc[("activity", "numpy")]
    assert row["arithmetic"] == pytest.approx(row["interpreter"] / 3)


def test_the_papers_logs_do_not_say_where_the_time_went(logs):
    with pytest.raises(ValueError, match="how many updates"):
        time_by_phase(logs["paper-digitised"])


def test_predicted_parts_add_up_to_the_prediction_and_setting_up_can_be_most_of_it():
    parts = predicted_parts("zero-2w", "activity", 10_000, COUNTS).set_index("kernel")
    whole = forecast(["numpy", "numba", "keras_fit"], 10_000, boards=["zero-2w"], table=COUNTS).set_index("kernel")
    pd.testing.assert_series_equal(
        parts[["setup", "interpreter", "arithmetic"]].sum(axis=1), whole["seconds"], check_names=False
    )
    assert parts.loc["numba", "setup"] > 10 * parts.loc["numba", "arithmetic"]
    assert set(parts["origin"]) == {"predicted"}
    assert parts["arithmetic"].nunique() == 1


def test_a_forecast_names_the_boards_and_says_that_it_is_one():
    rows = forecast(["numpy"], 1000, table=COUNTS)
    assert rows["device"].tolist() == ["Pi Zero 2 W", "Pi 3B", "Pi 3B+", "Pi 4B", "Pi 5"]
    assert set(rows["origin"]) == {"predicted"}
    assert (rows["low"] < rows["seconds"]).all()


def test_beside_its_forecast_stands_what_the_emulated_board_recorded():
    log = read_log(shipped("pi_logs", "emulated-raspi3b-icount-topics-python.jsonl"))
    rows = forecast_log(log, "python", task="topics", table=COUNTS)
    recorded = rows.iloc[-1]
    assert (recorded["device"], recorded["origin"]) == ("emulated 3B", "emulated-raspi3b-icount")
    assert pd.isna(recorded["low"])
    predicted = rows[(rows["device"] == "emulated 3B") & (rows["origin"] == "predicted")].iloc[0]
    assert predicted["low"] < recorded["seconds"] < predicted["high"]
