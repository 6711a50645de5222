"""Joules: ranges with their sources, no number where nobody measured one, and a USB meter's watts on the right span."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.device import (
    compare_energy,
    raw_bytes,
    read_log,
    read_meter,
    training_energy,
    upload_energy,
    with_power,
)
from pmt_helpers.device.energy import joules


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


def test_whether_training_or_wifi_takes_less_depends_on_kernel_passes_and_set_up():
    rows, few = (compare_energy("3b", 160, epochs=epochs).set_index("what") for epochs in (100, 30))
    wifi, numpy_, keras = (
        rows.loc[f"{what}"] for what in ("upload by Wi-Fi", "train on a Pi 3B, numpy", "train on a Pi 3B, keras_fit")
    )
    assert wifi["low"] < numpy_["above_idle"] < wifi["high"] < keras["above_idle"]
    assert few.loc[numpy_.name, "above_idle"] < wifi["low"]
    assert few.loc["train on a Pi 3B, numba", "above_idle"] > wifi["high"]  # it compiles first
    assert keras["above_idle"] < rows.loc["upload by mobile 2G", "low"]
    assert (rows["low"] < rows["high"]).all()


def test_the_joules_are_those_of_the_board_asked_for():
    pi3, pi5 = (compare_energy(board, 160, kernels=["numpy"])["above_idle"][0] for board in ("3b", "5"))
    assert pi3 != pi5


@pytest.mark.parametrize(
    "text",
    [
        "time,volts,amps\n0,5.0,0.5\n1,5.0,1.0\n2,5.0,1.0\n",
        "Time(S);Voltage(V);Current(A)\n0,0;5,0;0,5\n1,0;5,0;1,0\n2,0;5,0;1,0\n",
        "Elapsed\tEnergy (mWh)\tVoltage [mV]\tCurrent [mA]\n0\t0\t5000\t500\n1\t1\t5000\t1000\n2\t2\t5000\t1000\n",
        "\ufefftimestamp_ms, current_ma, voltage_v\n0, 500, 5\n1000, 1000, 5\n2000, 1000, 5\n",
    ],
)
def test_meters_of_many_makes_are_read(written: Callable[..., Path], text: str) -> None:
    meter = read_meter(written(text, "meter.csv"))
    assert meter.seconds.tolist() == pytest.approx([0, 1, 2])
    assert meter.watts.tolist() == pytest.approx([2.5, 5, 5])
    assert not meter.absolute


def test_dates_are_utc_and_fall_on_the_log(good: list[dict], written: Callable[..., Path]) -> None:
    rows = [f"2026-05-01T12:00:{second:02d}{zone},5,{amps}\n" for second, amps, zone in
            [(0, 0.4, "Z"), (1, 0.4, "+00:00"), (2, 0.8, ""), (3, 0.8, "Z")]]  # fmt: skip
    spans, samples = with_power(read_log(written(good)), read_meter(written("Date,V,A\n" + "".join(rows), "m.csv")))
    assert samples["watts"].tolist() == pytest.approx([2, 4])
    # the second span lies from 0.7 to 1.7 s: 2 W until 1 s, then rising to 3.4 W
    assert spans["energy_j"].tolist() == pytest.approx([0.5 * 2, 0.3 * 2 + 0.7 * (2 + 3.4) / 2])


def test_a_meter_with_its_own_clock_needs_an_offset(good: list[dict], written: Callable[..., Path]) -> None:
    log = read_log(written(good))
    meter = read_meter(written("t,v,a\n100,5,1\n101.5,5,1\n", "m.csv"))
    with pytest.raises(ValueError, match="offset_s"):
        with_power(log, meter)
    spans, samples = with_power(log, meter, offset_s=-100)
    assert spans["energy_j"].tolist() == pytest.approx([2.5, np.nan], nan_ok=True)  # the meter was off in the second
    assert samples["watts"].tolist() == pytest.approx([5, np.nan], nan_ok=True)


def test_energy_is_the_area_under_power() -> None:
    at = np.array([0.0, 1, 3])
    assert joules(at, np.array([0.0, 2, 2]), 0, 3) == pytest.approx(1 + 4)
    assert joules(at, np.array([0.0, 2, 2]), 0.5, 0.75) == pytest.approx(0.25 * (1 + 1.5) / 2)
    assert np.isnan(joules(at, at, 2, 4))
    assert np.isnan(joules(np.zeros(0), np.zeros(0), 2, 4))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "three columns"),
        ("time,volts\n0,5\n", "three columns"),
        ("time,volts,watts\n0,5,1\n", "a column of amps"),
        ("time,volts,amps\n0,5,1\n1,five,1\n", "line 3"),
        ("time,volts,amps\n0,5,nan\n", "amps as a number"),
        ("time,volts,amps\n1,5,1\n0,5,1\n", "line 3"),
        ("time,volts,amps\nnoon,5,1\n", "dates such as"),
    ],
)
def test_what_is_no_meter_is_refused(written: Callable[..., Path], text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_meter(written(text, "meter.csv"))
