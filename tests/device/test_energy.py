"""Joules: ranges with their sources, no number where nobody measured one, and a USB meter's watts on the right span."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def of_rows(names: str, *cells: str, separator: str = ",") -> str:
    return names + "\n" + "".join(separator.join([str(second), *cells]) + "\n" for second in range(4))


@pytest.mark.parametrize(
    "text",
    [
        of_rows("time,volts,current (\xb5A)", "5", "600000"),
        of_rows("time,volts,current (\u03bcA)", "5", "600000"),  # the other micro
        of_rows("time,voltage [uV],current [uA]", "5000000", "600000"),
        of_rows("time,volts,milliamps", "5", "600"),
        of_rows("time,voltageV,currentmA", "5", "600"),
        of_rows("Time (sec.),Voltage in mV,Current in mA", "5000", "600"),
        of_rows("time,volts,amps", "5.0 V", "600mA"),
        of_rows("time;volts;amps", "5,0", "0,6", separator=";"),
        of_rows("Zeit\tSpannung (V)\tStrom (A)", "5,000", "0,600", separator="\t"),
        of_rows("time,voltage (mV),current (mA)", '"5,000"', '"600"'),
        of_rows("time,voltage (mV),current (mA)", "5'000", "600"),
        of_rows("timestamp voltage_V dp_V current_A", "5", "0.3", "0.6", separator=" "),
        "Device: made up\n\n" + of_rows("time,volts,amps", "5", "0.6"),
        "time,voltage,current\ns,mV,mA\n0,5000,600\n1,5000,600\n2,5000,600\n3,5000,600\n",
        "time (min),volts,amps\n" + "".join(f"{second / 60},5,0.6\n" for second in range(4)),
        "time_us,volts,amps\n" + "".join(f"{second * 10**6},5,0.6\n" for second in range(4)),
        of_rows("time,volts,amps", "5", "0.6") + "\0" * 50,
        of_rows("time,volts,amps", "5", "0.6").replace("\n", "\r"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_three_watts_are_three_watts_in_every_unit(tmp_path: Path, text: str, encoding: str) -> None:
    if encoding == "latin-1" and "\u03bc" in text:
        pytest.skip("Latin-1 has one micro")
    (tmp_path / "m.csv").write_bytes(text.encode(encoding))
    meter = read_meter(tmp_path / "m.csv")
    assert meter.watts.tolist() == pytest.approx([3] * 4)
    assert meter.seconds.tolist() == pytest.approx(range(4))
    assert not meter.absolute


@pytest.mark.parametrize("per_second", [1, 10**3, 10**6, 10**9])
def test_seconds_since_1970_are_known_in_every_unit(written: Callable[..., Path], per_second: int) -> None:
    start = 1_777_636_800
    rows = "".join(f"{(start + second) * per_second},5,0.6\n" for second in range(3))
    meter = read_meter(written("timestamp,volts,amps\n" + rows, "m.csv"))
    assert meter.absolute
    assert meter.seconds == pytest.approx(start + np.arange(3))


def test_a_clock_runs_on_after_midnight_and_a_date_may_stand_beside_it(written: Callable[..., Path]) -> None:
    clock = read_meter(written("Time,V,A\n23:59:59.5,5,1\n00:00:00.5,5,1\n", "m.csv"))
    assert np.diff(clock.seconds) == pytest.approx([1])
    both = read_meter(written("Date,Time,V,A\n2026-05-01,12:00:00,5,1\n2026-05-01,12:00:01,5,1\n", "m.csv"))
    assert both.absolute
    assert np.diff(both.seconds) == pytest.approx([1])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time,volts,amps\n", "readings below the names"),
        (of_rows("time (fortnights),volts,amps", "5", "1"), "a unit of time"),
        (of_rows("time,volts,current (kA)", "5", "1"), "a unit of amps"),
        (of_rows("time,voltage,voltage,current", "5", "9", "1"), "one column of volts"),
        (of_rows("time;voltage (mV);current (A)", "5,000", "1,500", separator=";"), "read in two ways"),
        (of_rows("time;voltage (mV);current (A)", "5.000", "1,5", separator=";"), "read in two ways"),
        ("time,volts,amps\n0,5,1\n1,5\n", "line 3"),
        ("time,volts,amps\n0,5,1\n1,5,1,7\n", "line 3"),
        ("time,volts,amps\n0,5,1\n\n1,1e300,1\n", "line 4"),
        ("time,volts,amps\n0,5,1\n1," + "9" * 10_000 + ",1\n", "line 3"),
        ('time,volts,amps\n0,"5,1\n', "line 2"),
        ("time,volts,amps\n05/01/2026 12:00:00,5,1\n", "dates such as"),
        ("time,volts,amps\n99999999999,5,1\n", "no unit that is known"),
        ("PK\3\4 a spreadsheet", "a packed file"),
        ("x," * 100_000, "three columns"),
    ],
)
def test_what_may_be_read_in_two_ways_or_not_at_all_is_refused(
    written: Callable[..., Path], text: str, says: str
) -> None:
    with pytest.raises(DataError, match=says) as caught:
        read_meter(written(text, "m.csv"))
    assert len(str(caught.value)) < 1000


@given(st.text(st.sampled_from("time,volts;amps\t0123456789.-+eE\"'\n ()mµV:TZ"), max_size=120))
def test_any_text_is_read_or_refused(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.csv")
        path.write_text("time,volts,amps\n" + text, encoding="utf-8")
        try:
            meter = read_meter(path)
        except DataError:
            return
    assert np.isfinite(meter.seconds).all()
    assert np.isfinite(meter.watts).all()
    assert (np.diff(meter.seconds) >= 0).all()


def test_a_meter_that_ran_at_another_time_is_said_to(good: list[dict], written: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="no span lies inside"):
        with_power(read_log(written(good)), read_meter(written("t,v,a\n100,5,1\n102,5,1\n", "m.csv")), offset_s=0)
