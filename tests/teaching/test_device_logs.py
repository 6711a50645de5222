"""A log replayed beside its training curve, and logs of one's own: uploaded, checked, kept."""

import datetime
import json
from pathlib import Path

import ipywidgets
import pandas as pd
import pytest

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import shipped
from pmt_helpers.device import read_log
from pmt_helpers.teaching.device_logs import keep_log, my_logs, own_folder, own_log, replay
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
