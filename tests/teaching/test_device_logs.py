"""A log replayed beside its training curve, and logs of one's own: uploaded, checked, kept."""

import datetime
import json
from pathlib import Path

import ipywidgets
import pandas as pd
import pytest

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import shipped
from pmt_helpers.device import fit_logs, memory_by_kernel, predict_log, read_log, time_by_phase
from pmt_helpers.teaching.device_logs import keep_log, my_logs, own_folder, own_log, replay
from pmt_helpers.teaching.figures.device import memory_by_kernel as memory_figure
from pmt_helpers.teaching.figures.device import seconds_by_samples, where_time_goes
from pmt_helpers.teaching.figures.device_series import spans_of, training_rows
from pmt_helpers.teaching.figures.replay import curve_by_time, log_duration, moment

PLOTLY = "application/vnd.plotly.v1+json"
EMULATED = shipped("pi_logs", "emulated-raspi3b-icount-activity.jsonl")


def text_of(origin: str = "measured-pi", seconds: int = 30, **header) -> str:
    """A log of so many seconds, an epoch a second, after two seconds of set-up."""
    records = [{"ev": "header", "schema": "pi-profile/1", "run_id": "r1", "origin": origin, **header}]
    records.append({"ev": "span", "phase": "import", "t_s": 0.0, "wall_s": 2.0, "rss_mb": 30.0})
    for second in range(2, seconds):
        records.append({"ev": "sample", "t_s": float(second), "temp_c": 40.0 + second})
        span = {"ev": "span", "phase": "train", "t_s": float(second), "wall_s": 1.0, "kernel": "numpy"}
        records.append({**span, "n_samples": 20, "epoch": second - 1, "updates": 20})
    return "".join(json.dumps(record) + "\n" for record in [*records, {"ev": "end", "t_s": float(seconds)}])


@pytest.fixture
def log(tmp_path: Path):
    (tmp_path / "pi.jsonl").write_text(text_of())
    return read_log(tmp_path / "pi.jsonl")


@pytest.fixture
def curve() -> pd.DataFrame:
    return pd.DataFrame({"epoch": range(1, 29), "accuracy": [0.3 + 0.02 * epoch for epoch in range(28)]})


def parts(shown) -> tuple:
    return tuple(
        next(child for child in shown.widget.children if type(child) is kind)
        for kind in (ipywidgets.Play, ipywidgets.FloatSlider, ipywidgets.SelectionSlider, ipywidgets.Output)
    )


def test_play_moves_the_slider_and_the_figure_follows(log, curve) -> None:
    play, seconds, _, output = parts(replay(log, curve))
    first = output.outputs
    assert "After 0 of 30 seconds" in first[1]["data"]["text/plain"]
    play.value += 12
    assert seconds.value == 12
    assert output.outputs[0]["data"][PLOTLY] != first[0]["data"][PLOTLY]
    assert "train (NumPy, 20 windows), epoch 11, accuracy 48%, 52 °C" in output.outputs[1]["data"]["text/plain"]
    assert output.outputs[0]["data"]["text/plain"] == output.outputs[1]["data"]["text/plain"]
    seconds.value = 30
    assert (play.value, play.max) == (30, 30)
    assert "accuracy 84%" in output.outputs[1]["data"]["text/plain"]


def test_the_speed_is_steps_a_second(log) -> None:
    play, seconds, speed, output = parts(replay(log))
    title = lambda: output.outputs[0]["data"][PLOTLY]["layout"]["title"]["text"]  # noqa: E731
    assert (play.interval, title()) == (1000, "Second by second")
    speed.value = 4
    assert (play.interval, title()) == (250, "1 s shows 4 s")
    assert seconds.value == 0


def test_no_figure_is_drawn_while_a_slider_is_dragged(log) -> None:
    _, seconds, speed, _ = parts(replay(log))
    assert not seconds.continuous_update
    assert not speed.continuous_update


def test_a_short_log_is_replayed_in_slow_motion() -> None:
    log = read_log(EMULATED)
    play, seconds, _, output = parts(replay(log, start=log_duration(log) / 2))
    assert play.max == 40
    assert seconds.step == pytest.approx(log_duration(log) / 40)
    play.value = 40
    assert seconds.value == pytest.approx(log_duration(log))
    play.value = 7
    assert round(seconds.value / seconds.step) == 7
    assert "emulated Raspberry Pi 3B (instructions counted)" in output.outputs[1]["data"]["text/plain"]


def test_the_origin_stands_on_the_figure_and_in_the_sentence(log, curve) -> None:
    figure = moment(log, 5, curve_by_time(log, curve))
    assert "measured on a Raspberry Pi" in figure.plotly.layout.xaxis3.title.text
    assert "measured on a Raspberry Pi" in figure.sentence
    assert "measured on a Raspberry Pi" in replay(log, curve).sentence


def test_what_is_to_come_is_grey_and_the_axes_keep_still(log, curve) -> None:
    early, late = (moment(log, now, curve_by_time(log, curve)).plotly for now in (5, 20))
    for figure, epochs in ((early, 3), (late, 18)):
        future, past = [trace for trace in figure.data if "accuracy" in (trace.hovertemplate or "")]
        assert len(past.x) == epochs
        assert max(past.x) <= min(future.x)
        assert past.line.color != future.line.color
    for axis in ("xaxis", "yaxis", "yaxis2", "yaxis3"):
        assert early.layout[axis].range == late.layout[axis].range


def test_a_curve_by_epoch_is_placed_at_the_end_of_each_epoch(log, curve) -> None:
    assert curve_by_time(log, curve).iloc[0]["t_s"] == 3
    given = curve.assign(t_s=range(28))
    assert curve_by_time(log, given)["t_s"].tolist() == list(range(28))
    with pytest.raises(ValueError, match="a training curve needs accuracy or loss; this one has epoch"):
        curve_by_time(log, curve[["epoch"]])
    with pytest.raises(ValueError, match="a training curve needs t_s, or epoch or iteration as in the log"):
        curve_by_time(log, curve[["accuracy"]])
    with pytest.raises(ValueError, match="has no epoch of this curve with n_samples 99"):
        curve_by_time(log, curve, 99)


def test_the_largest_training_is_replayed_by_default() -> None:
    log = read_log(EMULATED)
    curve = pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5]})
    spans = log.spans[(log.spans["phase"] == "train") & (log.spans["epoch"] == 1)]
    for size in (None, 20):
        chosen = spans[spans["n_samples"] == (size or spans["n_samples"].max())].iloc[0]
        assert curve_by_time(log, curve, size).iloc[0]["t_s"] == chosen["t_s"] + chosen["wall_s"]


def test_numbers_without_a_clock_cannot_be_replayed() -> None:
    paper = read_log(next(shipped("pi_logs").glob("paper-digitised-figure7*.jsonl")))
    with pytest.raises(ValueError, match=r"digitised from the paper.*no clock ran: it cannot be replayed"):
        replay(paper)


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path / "home"))
    return own_folder()


def upload(shown, name: str, content: str) -> str:
    """What the widget says of a file that is put into it."""
    button, told = shown.widget.children
    data = content.encode()
    now = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)
    button.value = ({"name": name, "type": "", "size": len(data), "content": memoryview(data), "last_modified": now},)
    return told.value


def test_an_uploaded_log_is_checked_summed_up_and_kept(home: Path) -> None:
    said = upload(own_log(), "mine.jsonl", text_of(model="Raspberry Pi 4 <Model B>"))
    assert "Kept</b> as mine.jsonl" in said
    assert "measured-pi: measured on a Raspberry Pi" in said
    assert "Raspberry Pi 4 &lt;Model B&gt;" in said
    assert "29 spans, 28 samples" in said
    assert (home / "mine.jsonl").read_text() == text_of(model="Raspberry Pi 4 <Model B>")
    assert [path.name for path in home.iterdir()] == ["mine.jsonl"]


def test_an_invalid_log_is_refused_with_its_reason_and_not_kept(home: Path) -> None:
    said = upload(own_log(), "mine.jsonl", text_of(origin="my kitchen"))
    assert "Not kept" in said
    assert "cannot use mine.jsonl, line 1" in said
    assert "origin &#x27;my kitchen&#x27;" in said
    assert str(home.parent) not in said
    assert not list(home.glob("**/*.jsonl"))
    with pytest.raises(DataError, match=r"a name ending in \.jsonl"):
        keep_log("mine.csv", text_of().encode())


def test_nothing_is_overwritten_and_the_same_log_is_kept_once(home: Path) -> None:
    assert "Kept</b> as mine.jsonl" in upload(own_log(), "mine.jsonl", text_of())
    assert "Already kept</b> as mine.jsonl" in upload(own_log(), "mine.jsonl", text_of())
    assert "Kept</b> as mine-2.jsonl" in upload(own_log(), "mine.jsonl", text_of(seconds=10))
    assert "Already kept</b> as mine-2.jsonl" in upload(own_log(), "mine.jsonl", text_of(seconds=10))
    assert sorted(path.name for path in home.iterdir()) == ["mine-2.jsonl", "mine.jsonl"]
    assert (home / "mine.jsonl").read_text() == text_of()


@pytest.mark.parametrize("name", ["../../out.jsonl", "C:\\logs\\out.jsonl", "/etc/out.jsonl"])
def test_a_name_cannot_lead_out_of_the_folder(home: Path, name: str) -> None:
    log, new = keep_log(name, text_of().encode())
    assert new
    assert log.path == home / "out.jsonl"


def test_own_logs_join_the_shipped_ones_by_origin(home: Path) -> None:
    shipped_only = my_logs()
    shipped_pis = len(shipped_only.get("measured-pi", ()))
    keep_log("mine.jsonl", text_of().encode())
    keep_log("host.jsonl", text_of(origin="measured-host").encode())
    both = my_logs()
    assert [log.path.name for log in both["measured-pi"][shipped_pis:]] == ["mine.jsonl"]
    assert len(both["measured-host"]) == len(shipped_only["measured-host"]) + 1
    assert all(log.origin == origin for origin, logs in both.items() for log in logs)


@pytest.mark.parametrize("make", [lambda log: replay(log), lambda log: own_log()])
def test_a_widget_is_one_output_with_a_sentence_in_its_place(make, log, monkeypatch) -> None:
    bundles: list[dict] = []
    monkeypatch.setattr("pmt_helpers.teaching.display.publish", bundles.append)
    shown = make(log)
    shown._ipython_display_()
    (bundle,) = bundles
    assert bundle["text/plain"] == shown.sentence
    assert "appears here when the cell is run" in shown.sentence


def spans_text(**changes) -> str:
    """Trainings of four sizes; fields changed as told, None left out."""
    header = {"ev": "header", "schema": "pi-profile/1", "run_id": "r", "origin": "measured-pi", "task": "activity"}
    records = [{**header, **{name: changes.pop(name) for name in ("origin", "task", "model") if name in changes}}]
    for size in (20, 40, 80, 160):
        span = {"ev": "span", "phase": "train", "t_s": 0.0, "wall_s": 0.01 * size, "task": "activity"}
        records.append({**span, "kernel": "numpy", "n_samples": size, "epoch": 1, "updates": size, **changes})
    kept = [{name: value for name, value in record.items() if value is not None} for record in records]
    return "".join(json.dumps(record) + "\n" for record in kept)


def figures_of_all(logs) -> None:
    """What notebook 06 does with all logs."""
    spans = spans_of(log for of_origin in logs.values() for log in of_origin)
    rows = training_rows(spans, epochs=100)
    seconds_by_samples(rows[rows["kernel"].isin(("numpy", "numba", "keras_fit", ""))])
    for of_origin in logs.values():
        fit_logs(of_origin, "n_samples")
    where_time_goes(time_by_phase(logs["measured-host"]).query("task == 'activity'").drop_duplicates("kernel"))
    for log in logs["emulated-raspi3b-icount"]:
        for kernel in log.spans["kernel"].dropna().unique():
            predict_log("emulated-raspi3b", log, str(kernel), task=log.header["task"])
    memory_figure(memory_by_kernel(log for of_origin in logs.values() for log in of_origin))
    for log in logs.get("measured-pi", ()):
        log.samples["throttled"].dropna()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (spans_text(updates=0), "without updates of 1 or more"),
        (spans_text(updates=None), "without updates of 1 or more"),
        (spans_text(n_samples=None), "without n_samples of 1 or more"),
        (spans_text(kernel=None), "does not say its kernel"),
        (spans_text(kernel="rust"), "none of numpy, numba"),
        (spans_text(task="topics"), "without n_documents"),
        (spans_text(task="chess"), "its header says task 'chess'"),
        (spans_text(origin="paper-digitised"), "its origin is paper-digitised"),
        (spans_text(origin="predicted"), "its origin is predicted"),
        (spans_text(wall_s=0.0), "took no time"),
        (spans_text().partition("\n")[0] + "\n", "no training"),
        (spans_text().partition("\n")[0] + '\n{"ev": "sample", "t_s": 1}\n', "no training"),
        ("no log", "a JSON object in UTF-8"),
    ],
)
@pytest.mark.parametrize("origin", ["measured-pi", "measured-host", "emulated-raspi3b-icount"])
def test_a_log_that_shows_nothing_is_said_to_be_left_out_and_stops_nothing(
    home: Path, text: str, reason: str, origin: str, capsys
) -> None:
    home.mkdir(parents=True)
    (home / "own.jsonl").write_text(text.replace("measured-pi", origin))
    logs = my_logs()
    ((name, said),) = logs.skipped
    assert name.startswith("own.jsonl")
    assert reason in said
    assert reason in capsys.readouterr().out
    figures_of_all(logs)
    (home / "own.jsonl").unlink()
    assert reason in upload(own_log(), "own.jsonl", text.replace("measured-pi", origin)).replace("&#x27;", "'")


@pytest.mark.parametrize(
    "texts",
    [
        [spans_text(model="Raspberry Pi Zero 2 W"), spans_text(model="Raspberry Pi 5", wall_s=0.01)],
        [spans_text(model=f"board {number}") for number in range(12)],
        [spans_text(origin="measured-host", kernel="numba")],
        [spans_text(origin="emulated-raspi3b-icount", task=None)],
    ],
)
def test_logs_of_any_number_of_machines_reach_the_figures(home: Path, texts: list[str]) -> None:
    home.mkdir(parents=True)
    for number, text in enumerate(texts):
        (home / f"{number}.JSONL").write_text(text)
    logs = my_logs()
    assert logs.skipped == ()
    assert sum(log.path.parent == home for of_origin in logs.values() for log in of_origin) == len(texts)
    figures_of_all(logs)


@pytest.mark.parametrize(
    "name", ["._mine.jsonl", "a\0b.jsonl", "a\nb.jsonl", "x" * 300 + ".jsonl", ".jsonl", "mine.csv"]
)
def test_a_name_that_is_no_plain_one_is_refused(home: Path, name: str) -> None:
    assert "Not kept" in upload(own_log(), name, text_of())
    assert not home.exists()


def test_a_name_in_capitals_is_kept_and_read(home: Path) -> None:
    assert "Kept</b> as SHOUT.jsonl" in upload(own_log(), "SHOUT.JSONL", text_of())
    assert home / "SHOUT.jsonl" in [log.path for log in my_logs()["measured-pi"]]


def test_how_large_a_file_may_be_stands_beside_the_button(home: Path) -> None:
    _, told = own_log().widget.children
    assert "Up to 7 MB" in told.value
    assert str(home) in told.value
