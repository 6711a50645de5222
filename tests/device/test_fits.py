"""Lines through seconds, where the seconds go, and what memory they take; one origin each."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit
from scipy.stats import t

from pmt_helpers.datasets.files import shipped
from pmt_helpers.device import fit_line, fit_logs, memory_by_kernel, read_log, read_logs, series, time_by_phase
from pmt_helpers.device.cost_model import INSTRUCTION_COLUMNS
from pmt_helpers.device.fits import seconds_by_size


@pytest.fixture(scope="module")
def logs():
    return read_logs(shipped("pi_logs"))


@given(st.integers(0, 2**32 - 1), st.integers(3, 40))
def test_lines_and_intervals_are_those_of_scipy_curve_fit(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.permutation(np.arange(1.0, n + 1))
    y = 3 + 0.2 * x + rng.normal(0, 1, n)
    line = fit_line(x, y)
    (slope, intercept), cov = curve_fit(lambda x, b, a: a + b * x, x, y)
    half = t.ppf(0.975, n - 2) * np.sqrt(np.diag(cov))
    found = (line.slope_low, line.slope_high, line.intercept_low, line.intercept_high)
    assert found == pytest.approx(
        (slope - half[0], slope + half[0], intercept - half[1], intercept + half[1]), rel=1e-3, abs=1e-3
    )
    at = np.array([0.0, 5.0, 99.0])
    low, high = line.band(at)
    sides = np.column_stack([at, np.ones(3)])
    errors = np.sqrt(np.einsum("ij,jk,ik->i", sides, cov, sides)) * t.ppf(0.975, n - 2)
    np.testing.assert_allclose((high - low) / 2, errors, rtol=1e-3, atol=1e-3)


def test_nineteen_intervals_of_twenty_hold_the_true_slope():
    rng = np.random.default_rng(3)
    x = np.array([20.0, 40, 80, 160])
    lines = [fit_line(x, 1 + 0.05 * x + rng.normal(0, 0.5, 4)) for _ in range(2000)]
    assert np.mean([line.slope_low < 0.05 < line.slope_high for line in lines]) == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("x", [[1, 2], [5, 5, 5, 5]])
def test_too_few_points_or_sizes_are_refused(x):
    with pytest.raises(ValueError, match="three points of different size"):
        fit_line(x, np.arange(len(x)))


@pytest.mark.parametrize("origin", ["measured-host", "emulated-raspi3b-icount"])
@pytest.mark.parametrize("by", ["n_samples", "n_documents", "n_words"])
def test_seconds_go_with_the_amount_of_data(logs, origin, by):
    lines = fit_logs(logs[origin], by)
    assert "numpy" in lines
    for kernel, line in lines.items():
        print(origin, by, kernel, line)
        assert line.slope_low > 0
        assert line.r2 > 0.99


def test_a_training_is_all_of_its_epochs_and_an_iteration_is_one(logs):
    log = read_log(shipped("pi_logs", "emulated-raspi3b-icount-activity.jsonl"))
    trained = log.spans[(log.spans["phase"] == "train") & (log.spans["n_samples"] == 160)]
    found = seconds_by_size(series([log], log.origin), "n_samples").set_index("n_samples")["seconds"]
    assert found[160] == pytest.approx(trained["cpu_s"].sum(), rel=0.01)
    topics = read_log(shipped("pi_logs", "emulated-raspi3b-icount-topics.jsonl"))
    found = seconds_by_size(series([topics], topics.origin), "n_documents")
    once = topics.spans[(topics.spans["phase"] == "train") & (topics.spans["iteration"] == 1)]
    assert found["seconds"].max() == pytest.approx(once["cpu_s"].max(), rel=0.02)


def test_documents_and_words_are_varied_one_at_a_time(logs):
    spans = series([read_log(shipped("pi_logs", "emulated-raspi3b-icount-topics.jsonl"))], "emulated-raspi3b-icount")
    assert seconds_by_size(spans, "n_documents")["n_documents"].is_unique
    words = seconds_by_size(spans, "n_words")
    assert words["n_words"].is_unique
    assert len(words) > 2


def test_a_kernel_with_two_sizes_gets_no_line(written, good):
    trained = {**good[3], "task": "activity", "kernel": "numpy"}
    spans = [{**trained, "n_samples": n, "t_s": float(n), "epoch": e} for n in (20, 40) for e in (1, 2)]
    assert fit_logs([read_log(written([good[0], *spans]))], "n_samples") == {}


def test_the_papers_points_have_no_epochs_and_stay_as_they_are(logs):
    (line,) = fit_logs(
        [log for log in logs["paper-digitised"] if "figure7-local" in log.path.name], "n_samples"
    ).values()
    assert line.n == 1298
    assert 0.07 < line.slope < 0.08


def test_two_origins_are_never_one_series(logs):
    both = [logs["measured-host"][0], logs["emulated-raspi3b-icount"][0]]
    with pytest.raises(ValueError, match=r"has one origin, but emulated-raspi3b-icount-activity.jsonl is"):
        fit_logs(both, "n_samples")
    mixed = pd.DataFrame({"origin": ["measured-host", "measured-pi"], "phase": "train", "n_samples": 3, "wall_s": 1.0})
    with pytest.raises(ValueError, match="one origin"):
        seconds_by_size(mixed, "n_samples")
    with pytest.raises(ValueError, match="sizes are"):
        seconds_by_size(mixed, "n_topics")


def test_most_of_the_time_of_interpreted_kernels_is_the_interpreters(logs):
    parts = time_by_phase(logs["measured-host"]).set_index(["task", "kernel"])
    assert parts.loc[("activity", "numba"), "interpreter"] == pytest.approx(0, abs=1e-9)
    for kernel in ("numpy", "keras_fit", "keras_batch"):
        row = parts.loc[("activity", kernel)]
        assert row["interpreter"] > 3 * row["arithmetic"] > 0
    assert parts.loc[("topics", "python"), "interpreter"] > 10 * parts.loc[("topics", "python"), "arithmetic"]


def test_the_parts_add_up_to_what_the_log_has(logs):
    log = read_log(shipped("pi_logs", "measured-host-topics-numba.jsonl"))
    work = log.spans[log.spans["phase"] != "inference"]
    timed = int(work.loc[work["phase"] == "train", "updates"].sum())
    parts = time_by_phase([log], updates=timed)
    assert parts[["setup", "interpreter", "arithmetic"]].sum().sum() == pytest.approx(work["cpu_s"].sum())


def test_kernels_are_compared_on_the_same_work_however_long_each_was_timed(logs):
    parts = time_by_phase(logs["measured-host"]).query("task == 'activity'").set_index("kernel")
    assert set(parts["updates"]) == {6000}
    seconds = parts["interpreter"] + parts["arithmetic"]
    assert seconds["numba"] < 0.1 * seconds["numpy"] < 0.1 * seconds["keras_batch"]
    one, two = (time_by_phase(logs["measured-host"], updates=many).set_index(["task", "kernel"]) for many in (1, 2))
    assert one["setup"].to_list() == two["setup"].to_list()
    assert (2 * one["arithmetic"]).to_list() == pytest.approx(two["arithmetic"].to_list())


def test_without_a_compiled_log_instructions_tell_the_arithmetic(logs):
    costs = {("activity", "numpy"): 200_000, ("activity", "numba"): 50_000}
    costs |= {("topics", "numpy"): 70_000, ("topics", "python"): 40_000, ("topics", "numba"): 400}
    counts = pd.DataFrame([(*key, cost, 0) for key, cost in costs.items()], columns=INSTRUCTION_COLUMNS)
    without = [log for log in logs["emulated-raspi3b-icount"] if "numba" not in set(log.spans["kernel"].astype(str))]
    row = time_by_phase(without, counts).set_index(["task", "kernel"]).loc[("activity", "numpy")]
    assert row["arithmetic"] == pytest.approx(row["interpreter"] / 3)


def test_the_papers_logs_do_not_say_where_the_time_went(logs):
    with pytest.raises(ValueError, match="how many updates"):
        time_by_phase(logs["paper-digitised"])


def test_every_stored_kernel_fits_a_small_board_and_keras_by_least():
    logs = [log for logs in read_logs(shipped("pi_logs")).values() for log in logs]
    rows = memory_by_kernel(logs)
    assert rows["peak_mb"].is_monotonic_increasing
    assert rows["fits"].all()
    assert rows["kernel"].iloc[-1].startswith("keras")
    assert "paper-digitised" not in set(rows["origin"])


def test_a_log_of_several_kernels_says_nothing_of_their_memory(written):
    header = {"ev": "header", "schema": "pi-profile/1", "run_id": "r", "origin": "measured-host", "mem_limit_mb": 512}
    spans = [
        {
            "ev": "span",
            "phase": "train",
            "task": "activity",
            "kernel": kernel,
            "t_s": 0.0,
            "wall_s": 1.0,
            "peak_rss_mb": 90,
        }
        for kernel in ("numpy", "jax")
    ]
    both = read_log(written([header, *spans]))
    one = read_log(written([header, dict(spans[0])], "one.jsonl"))
    rows = memory_by_kernel([both, one])
    assert rows["kernel"].tolist() == ["numpy"]
    assert rows["limited_mb"].tolist() == [512]


def test_two_machines_are_two_lines_each_as_straight_as_alone(tmp_path) -> None:
    logs = [read_log(recorded(tmp_path / f"{seconds}.jsonl", f"Pi {seconds}", seconds)) for seconds in (1, 20)]
    both = fit_logs(logs, "n_samples")
    assert list(both) == ["numpy, Pi 1", "numpy, Pi 20"]
    for log, line in zip(logs, both.values(), strict=True):
        assert line == fit_logs([log], "n_samples")["numpy"]
        assert line.r2 > 0.999
    parts = time_by_phase(logs, updates=300)
    assert parts["machine"].tolist() == ["Pi 1", "Pi 20"]
    assert parts[["interpreter", "arithmetic"]].sum(axis=1).tolist() == pytest.approx([300, 6000])


def recorded(path, model: str, seconds: float):
    """A log of a machine that takes so many seconds a window."""
    records = [{"ev": "header", "schema": "pi-profile/1", "run_id": model, "origin": "measured-pi", "model": model}]
    for size in (20, 40, 80, 160):
        span = {"ev": "span", "phase": "train", "t_s": 0, "wall_s": seconds * size, "task": "activity"}
        records.append({**span, "kernel": "numpy", "n_samples": size, "epoch": 1, "updates": size})
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path
