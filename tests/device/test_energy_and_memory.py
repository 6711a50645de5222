"""Joules and megabytes: ranges with their sources, and no number where nobody measured one."""

import json

import pandas as pd
import pytest

from pmt_helpers.datasets.files import shipped
from pmt_helpers.device import (
    compare_energy,
    memory_by_kernel,
    raw_bytes,
    read_log,
    read_logs,
    training_energy,
    upload_energy,
)


def test_a_window_is_ten_seconds_of_three_axes():
    assert raw_bytes(160) == 160 * 10 * 20 * 3 * 4 == 384_000


def test_one_core_draws_a_quarter_of_what_four_do():
    found = training_energy("3b", 10.0)
    assert (found.total, found.above_idle) == pytest.approx((14 + 5.75, 5.75))


@pytest.mark.parametrize("board", ["zero-2w", "emulated-raspi3b"])
def test_no_joules_without_watts(board):
    with pytest.raises(ValueError, match="another board"):
        training_energy(board, 10.0)


def test_radios_take_what_their_measurements_say_and_all_name_a_source():
    uploads = upload_energy(384_000).set_index("radio")
    wifi = uploads.loc["Wi-Fi"]
    assert wifi["high"] == pytest.approx(8 * 384_000 * (6.45e-7 + 1.27e-10 * 130))
    assert (uploads["low"] < uploads["high"]).all()
    assert (uploads["low"] > 0).all()
    assert uploads["source"].str.len().min() > 5
    pd.testing.assert_series_equal(upload_energy(768_000)["high"], 2 * upload_energy(384_000)["high"])


def test_home_is_dearer_than_wifi_and_no_dearer_than_the_slowest_link():
    """The paper's dozen seconds on a Pi 3B."""
    rows = compare_energy("3b", 12.0, 160).set_index("what")
    local, uploads = rows[rows["kind"] == "training"].iloc[0], rows[rows["kind"] == "upload"]
    assert local["low"] > uploads.loc["upload by Wi-Fi", "high"]
    assert local["low"] < uploads.loc["upload by mobile 2G", "low"]
    assert local.name == "train on a Pi 3B"


def test_every_stored_kernel_fits_a_small_board_and_keras_by_least():
    logs = [log for logs in read_logs(shipped("pi_logs")).values() for log in logs]
    rows = memory_by_kernel(logs)
    assert rows["peak_mb"].is_monotonic_increasing
    assert rows["fits"].all()
    assert rows["kernel"].iloc[-1].startswith("keras")
    assert "paper-digitised" not in set(rows["origin"])
    assert not memory_by_kernel(logs, limit_mb=100)["fits"].all()


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
    one = read_log(written([header, json.loads(json.dumps(spans[0]))], "one.jsonl"))
    rows = memory_by_kernel([both, one])
    assert rows["kernel"].tolist() == ["numpy"]
    assert rows["limited_mb"].tolist() == [512]
