"""Figures of the device chapter: how each number was obtained stands on the figure, and origins stay apart."""

import json

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.datasets.files import shipped
from pmt_helpers.device import paper_slope, read_logs
from pmt_helpers.teaching.figures.device import (
    energy,
    latency,
    memory_by_kernel,
    predicted_and_measured,
    seconds_by_documents,
    seconds_by_samples,
    where_time_goes,
)
from pmt_helpers.teaching.figures.device_series import (
    OBTAINED,
    iteration_rows,
    series_styles,
    spans_of,
    training_rows,
)
from pmt_helpers.teaching.figures.style import GREY, duration, joules

EMULATED, HOST, PAPER = "emulated-raspi3b-icount", "measured-host", "paper-digitised"
NAN = float("nan")


@pytest.fixture(scope="module")
def spans() -> pd.DataFrame:
    return spans_of(log for logs in read_logs(shipped("pi_logs")).values() for log in logs)


def written_on(figure) -> str:
    """All that can be read on the figure itself: legend, axes, annotations."""
    layout = figure.plotly.layout
    names = [trace.name or "" for trace in figure.plotly.data if trace.showlegend is not False]
    titles = [layout.xaxis.title.text or "", layout.yaxis.title.text or ""]
    return "\n".join([*names, *titles, *(note.text for note in layout.annotations)])


def drawn(figure, name: str):
    return next(trace for trace in figure.plotly.data if trace.name == name and trace.mode == "markers")


def line_of(origin: str, slope: float, kernel: str | None = None, column: str = "n_samples") -> pd.DataFrame:
    size = np.array([20.0, 40.0, 80.0, 160.0])
    bent = 1 + 0.01 * np.array([1, -1, 1, -1])
    return pd.DataFrame({"origin": origin, "kernel": kernel, column: size, "seconds": slope * size * bent})


def some_of_all() -> list:
    """One of each figure, with a Raspberry Pi in it."""
    emulated = line_of(EMULATED, 0.02)
    parts = pd.DataFrame({"kernel": ["numpy"], "setup": 1.0, "interpreter": 3.0, "arithmetic": 1.0, "updates": 6000})
    parts = parts.assign(origin=EMULATED)
    forecast = pd.DataFrame({"device": ["Pi 3B"], "origin": "predicted", "seconds": 4.0, "low": 3.0, "high": 5.2})
    recorded = pd.DataFrame({"device": ["Pi 3B"], "origin": EMULATED, "seconds": 4.4, "low": NAN, "high": NAN})
    memory = pd.DataFrame({"origin": EMULATED, "kernel": ["numpy"], "peak_mb": 35.0})
    calls = pd.DataFrame({"origin": EMULATED, "kernel": ["numpy"], "latency_ms_median": 0.04, "latency_ms_p99": 0.06})
    return [
        seconds_by_samples(emulated),
        seconds_by_documents(line_of(EMULATED, 0.02, column="n_documents")),
        where_time_goes(parts),
        predicted_and_measured(pd.concat([forecast, recorded])),
        memory_by_kernel(memory),
        latency(calls),
    ]


def test_every_device_figure_says_how_its_numbers_were_obtained() -> None:
    for figure in some_of_all():
        assert OBTAINED[EMULATED] in written_on(figure)
        assert OBTAINED[EMULATED].lower() in figure.sentence.lower()
    joule = pd.DataFrame({"what": ["train on a Pi 3B"], "kind": "training", "low": 5.0, "high": 20.0})
    assert "predicted from published measurements" in written_on(energy(joule))


def test_every_title_is_short_and_every_figure_can_be_stored() -> None:
    for figure in some_of_all():
        assert "<br>" not in figure.plotly.layout.title.text
        assert len(figure.plotly.layout.title.text) <= 28
        json.dumps(figure.bundle(), allow_nan=False)


def test_two_origins_are_two_series_and_a_line_each() -> None:
    both = pd.concat([line_of(HOST, 0.002), line_of(EMULATED, 0.02)], ignore_index=True)
    figure = seconds_by_samples(both)
    assert drawn(figure, OBTAINED[HOST]).marker.color != drawn(figure, OBTAINED[EMULATED]).marker.color
    emulated = both.loc[both["origin"] == EMULATED, "seconds"]
    assert list(drawn(figure, OBTAINED[EMULATED]).y) == pytest.approx(1e6 * emulated)
    assert len([trace for trace in figure.plotly.data if trace.fill == "toself"]) == 2
    assert figure.sentence == (
        "Time that one more window adds to the training. Measured on this kind of computer: 2 ms (R² 0.999). "
        "Emulated Raspberry Pi 3B (instructions counted): 20 ms (R² 0.999)."
    )


def test_an_origin_that_no_log_has_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown origin 'a friend told me'; the logs have measured-pi"):
        seconds_by_samples(line_of("a friend told me", 0.1))
    parts = pd.DataFrame(
        {"kernel": "numpy", "setup": 1.0, "interpreter": 1.0, "arithmetic": 1.0, "origin": [HOST, PAPER]}
    ).assign(updates=6000)
    with pytest.raises(ValueError, match=r"where_time_goes adds up numbers of one origin; .* draw a figure for each"):
        where_time_goes(parts)


def test_no_colour_is_used_twice_and_the_paper_is_grey() -> None:
    keys = [(HOST, kernel) for kernel in ("numpy", "numba", "jax", "keras_fit", "keras_batch")]
    styles = series_styles([*keys, (EMULATED, "numpy"), (PAPER, "")])
    assert len({colour for colour, _ in styles.values()}) == len(styles)
    assert styles[PAPER, ""][0] == GREY
    with pytest.raises(ValueError, match="look too much alike"):
        series_styles([(HOST, str(number)) for number in range(8)])


def test_the_axis_switches_between_log_and_linear() -> None:
    logged, linear = (seconds_by_samples(line_of(HOST, 0.002), log_y=log_y).plotly for log_y in (True, False))
    assert (logged.layout.yaxis.type, linear.layout.yaxis.type) == ("log", "linear")
    (menu,) = logged.layout.updatemenus
    buttons = {button.label: button.args[0] for button in menu.buttons}
    assert {name: found["yaxis.type"] for name, found in buttons.items()} == {"log": "log", "linear": "linear"}
    assert buttons["linear"]["yaxis.range"][0] == 0
    top = np.log10(1e6 * 0.002 * 160)
    assert buttons["log"]["yaxis.range"][1] > top
    assert (menu.y, menu.yanchor) == (0, "top")  # below the plot: a long legend moves its top, in a narrow window


def test_a_line_that_crosses_zero_stays_on_a_log_axis() -> None:
    rows = pd.DataFrame({"origin": HOST, "n_samples": [20, 40, 80], "seconds": [0.001, 0.02, 0.06]})
    for trace in seconds_by_samples(rows).plotly.data:
        assert min(trace.y) > 0


def test_figure_7_is_straight_and_has_the_papers_points(spans: pd.DataFrame) -> None:
    rows = training_rows(spans, epochs=10)
    ours = rows[rows["kernel"] == "numpy"]
    figure = seconds_by_samples(pd.concat([ours, rows[rows["origin"] == PAPER]]))
    for text in (OBTAINED[HOST], OBTAINED[EMULATED]):
        assert float(figure.sentence.split(f"{text[1:]}: ")[1].split("R² ")[1].split(")")[0]) > 0.98
    line = paper_slope("personal")  # and not that of the local model, whose points Figure 7 shows too
    assert f"Digitised from the paper: {1000 * line.slope:.0f} ms (R² {line.r2:.3f})." in figure.sentence
    paper = drawn(figure, OBTAINED[PAPER])
    assert len(paper.x) == len(set(rows.loc[rows["origin"] == PAPER, "n_samples"]))  # medians: there are thousands
    one = training_rows(spans, epochs=1)
    assert np.allclose(one.loc[one["origin"] != PAPER, "seconds"] * 10, rows.loc[rows["origin"] != PAPER, "seconds"])
    assert np.allclose(one.loc[one["origin"] == PAPER, "seconds"], rows.loc[rows["origin"] == PAPER, "seconds"])


@pytest.mark.parametrize("by", ["documents", "words"])
def test_figure_8_puts_logs_and_paper_side_by_side(spans: pd.DataFrame, by: str) -> None:
    rows = iteration_rows(spans, by)
    numba = rows[(rows["origin"] == HOST) & (rows["kernel"] == "numba")]
    emulated = rows[(rows["origin"] == EMULATED) & (rows["kernel"] == "numpy")]
    figure = seconds_by_documents(pd.concat([emulated, numba, rows[rows["origin"] == PAPER]]), by)
    assert "digitised from the paper" in written_on(figure)
    assert f"Numba, {OBTAINED[HOST]}" in written_on(figure)
    assert f"NumPy, {OBTAINED[EMULATED]}" in written_on(figure)
    assert ("no unit" in figure.sentence) == (by == "words")


def test_a_log_that_names_no_kernel_is_not_lost(spans: pd.DataFrame) -> None:
    mine = spans[spans["origin"] == EMULATED].assign(origin="measured-pi", kernel=None)
    assert set(training_rows(mine)["n_samples"]) == set(mine.loc[mine["phase"] == "train", "n_samples"].dropna())
    assert set(iteration_rows(mine)["origin"]) == {"measured-pi", PAPER}
    assert "measured on a Raspberry Pi" in written_on(seconds_by_samples(training_rows(mine)))


def test_microseconds_survive_the_four_decimals_that_are_stored() -> None:
    stored = seconds_by_samples(line_of(HOST, 1.23456e-7)).bundle()["application/vnd.plotly.v1+json"]
    points = next(trace for trace in stored["data"] if trace["mode"] == "markers")
    assert points["y"] == pytest.approx((1e6 * line_of(HOST, 1.23456e-7)["seconds"]).tolist(), rel=1e-3)
    assert stored["layout"]["yaxis"]["ticktext"] == ["1 µs", "10 µs", "100 µs"]
    call = pd.DataFrame({"origin": HOST, "kernel": ["numba"], "latency_ms_median": 1.2345e-4, "latency_ms_p99": 2e-4})
    stored = latency(call).bundle()["application/vnd.plotly.v1+json"]
    (points,) = [trace for trace in stored["data"] if trace["x"] != [None]]
    assert points["x"] == pytest.approx([0.1234], rel=0.01)


def test_a_memory_limit_is_a_log_of_memory_and_of_no_seconds(spans: pd.DataFrame) -> None:
    limited = spans[spans["origin"] == EMULATED].assign(origin="measured-host-constrained")
    both = pd.concat([spans[spans["origin"] == EMULATED], limited], ignore_index=True)
    for rows in (training_rows(both), iteration_rows(both)):
        assert set(rows["origin"]) - {PAPER} == {EMULATED}
    assert OBTAINED["measured-host-constrained"] not in written_on(latency(both))
    memory = pd.DataFrame({"origin": "measured-host-constrained", "kernel": ["numpy"], "peak_mb": 120.0})
    assert OBTAINED["measured-host-constrained"] in written_on(memory_by_kernel(memory))


def test_two_sizes_are_no_line() -> None:
    figure = seconds_by_samples(line_of(HOST, 0.002).head(2))
    assert figure.sentence.endswith("Measured on this kind of computer: too few sizes for a line.")


def test_time_is_split_into_parts_that_add_up() -> None:
    rows = pd.DataFrame(
        {"kernel": ["keras_fit", "numpy"], "setup": [6.0, 1.0], "interpreter": [3.0, 3.0], "arithmetic": [1.0, 1.0]}
    ).assign(origin=HOST, updates=6000)
    figure = where_time_goes(rows)
    assert figure.sentence == (
        "Shares of the time, measured on this kind of computer. "
        "NumPy, 5 s: set-up 20%, interpreter 60%, arithmetic 20%. "
        "Keras fit, 10 s: set-up 60%, interpreter 30%, arithmetic 10%."
    )
    assert figure.plotly.layout.barmode == "stack"
    assert [list(trace.x) for trace in figure.plotly.data] == [[1, 6], [3, 3], [1, 1]]
    assert "seconds for 6,000 steps" in figure.plotly.layout.xaxis.title.text
    with pytest.raises(ValueError, match="the same work"):
        where_time_goes(rows.assign(updates=[6000, 300]))


def test_a_prediction_is_compared_with_the_same_kernels_record() -> None:
    rows = pd.DataFrame(
        [
            ("Pi 3B", "numpy", "predicted", 4.0, 3.0, 5.2),
            ("emulated 3B", "numpy", "predicted", 4.0, 3.0, 5.2),
            ("emulated 3B", "numba", "predicted", 1.0, 0.8, 1.3),
            ("emulated 3B", "numpy", EMULATED, 4.4, NAN, NAN),
            ("emulated 3B", "numba", EMULATED, 2.0, NAN, NAN),
        ],
        columns=["device", "kernel", "origin", "seconds", "low", "high"],
    )
    figure = predicted_and_measured(rows)
    assert "NumPy, predicted for Pi 3B: 4 s (3 s to 5.2 s)." in figure.sentence
    assert f"{OBTAINED[EMULATED]}: 4.4 s, inside the band" in figure.sentence
    assert f"{OBTAINED[EMULATED]}: 2 s, outside the band" in figure.sentence
    bars = drawn(figure, "NumPy, predicted").error_x
    assert list(bars.array) == pytest.approx([1200, 1200])
    assert list(bars.arrayminus) == pytest.approx([1000, 1000])
    assert not drawn(figure, f"NumPy, {OBTAINED[EMULATED]}").error_x.visible
    assert figure.plotly.layout.xaxis.type == "log"


def test_what_does_not_fit_the_memory_is_said() -> None:
    rows = pd.DataFrame({"origin": HOST, "kernel": ["keras_fit", "numpy", "numpy"], "peak_mb": [700.0, 90.0, 120.0]})
    figure = memory_by_kernel(rows)
    assert "NumPy 120 MB, Keras fit 700 MB (too much)" in figure.sentence
    assert "NumPy 120 MB (too much)" not in figure.sentence
    assert {shape.x0 for shape in figure.plotly.layout.shapes} == {512}
    assert "512 MB" in written_on(figure)


def test_energy_is_a_range_for_each_way() -> None:
    rows = pd.DataFrame(
        {
            "what": ["train on a Pi 3B", "upload by Wi-Fi"],
            "kind": ["training", "upload"],
            "low": [5, 0.4],
            "high": [24, 2],
        }
    )
    figure = energy(rows)
    assert figure.sentence == (
        "Energy, predicted from published measurements. Train on a Pi 3B: 5 to 24 J. Upload by Wi-Fi: 0.4 to 2 J."
    )
    bar = next(trace for trace in figure.plotly.data if trace.name == "upload")
    assert (list(bar.base), list(bar.x)) == ([0.4], [1.6])


def test_latency_is_median_and_99th_percentile_in_fitting_units(spans: pd.DataFrame) -> None:
    figure = latency(spans)
    calls = spans[spans["latency_ms_median"].notna() & (spans["origin"] == EMULATED)].iloc[0]
    both = f"{duration(calls['latency_ms_median'] / 1000)} and {duration(calls['latency_ms_p99'] / 1000)}"
    assert f"{OBTAINED[EMULATED][1:]}: NumPy {both}" in figure.sentence
    assert "“milliseconds”, the paper's word" in written_on(figure)
    bars = drawn(figure, OBTAINED[EMULATED])
    assert bars.x[0] + bars.error_x.array[0] == pytest.approx(1000 * calls["latency_ms_p99"])
    with pytest.raises(ValueError, match="latency needs at least one row"):
        latency(spans[spans["latency_ms_median"].isna()])


def test_numbers_get_the_unit_that_fits() -> None:
    assert [duration(value) for value in (12.3, 0.9999, 0.0766, 3.5e-6, 2e-10)] == [
        "12 s",
        "1 s",
        "77 ms",
        "3.5 µs",
        "0.2 ns",
    ]
    assert [joules(value) for value in (0.012, 4.26)] == ["12 mJ", "4.3 J"]


@pytest.mark.parametrize(
    "draw",
    [seconds_by_samples, seconds_by_documents, where_time_goes, predicted_and_measured, memory_by_kernel, energy],
)
def test_a_missing_column_is_named(draw) -> None:
    with pytest.raises(ValueError, match=f"{draw.__name__} needs the columns"):
        draw(pd.DataFrame({"speed": [1.0]}))


def test_two_machines_of_one_origin_are_two_series_with_their_names() -> None:
    zero, five = (
        line_of("measured-pi", slope).assign(machine=name) for slope, name in ((2.0, "Zero 2 W"), (0.1, "Pi 5"))
    )
    figure = seconds_by_samples(pd.concat([zero, five, line_of(PAPER, 0.07)]))
    names = [f"{name}, {OBTAINED['measured-pi']}" for name in ("Zero 2 W", "Pi 5")]
    assert len({drawn(figure, name).marker.color for name in names}) == 2
    assert "Zero 2 W, measured on a Raspberry Pi: 2 s (R² 0.999)." in figure.sentence
    assert OBTAINED[PAPER] in written_on(figure)
    memory = pd.DataFrame({"origin": "measured-pi", "machine": ["a", "b"], "kernel": "numpy", "peak_mb": [30.0, 60.0]})
    assert "NumPy 30 MB" in memory_by_kernel(memory).sentence
    assert "NumPy 60 MB" in memory_by_kernel(memory).sentence


def test_more_machines_than_colours_are_drawn_as_far_as_they_go_and_the_others_named() -> None:
    boards = pd.concat([line_of("measured-pi", 0.01 * n).assign(machine=f"board {n}") for n in range(1, 10)])
    figure = seconds_by_samples(boards)
    assert "Not drawn, since no colour is left: board 8, measured on a Raspberry Pi; board 9," in figure.sentence
    assert "board 7" in written_on(figure)


def test_times_that_are_all_the_same_have_a_slope_and_no_r2() -> None:
    same = pd.DataFrame({"origin": HOST, "n_samples": [20, 40, 80], "seconds": 0.5})
    assert "R²" not in seconds_by_samples(same).sentence
