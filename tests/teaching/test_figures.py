"""Figures: the sentence says what the data say, the JSON is plain and small, the look is the same everywhere."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmt_helpers.datasets.features import FEATURE_NAMES, extract_features
from pmt_helpers.datasets.files import shipped
from pmt_helpers.datasets.mine import Stretch
from pmt_helpers.datasets.own_recordings import OwnRecording
from pmt_helpers.device import read_log
from pmt_helpers.teaching import figures
from pmt_helpers.teaching.figures.device import energy
from pmt_helpers.teaching.figures.replay import moment
from pmt_helpers.teaching.figures.style import MODEL_COLOURS, MODEL_DASHES, PLOTLY, Figure, plain
from tests.teaching.test_figures_device import some_of_all
from tests.teaching.test_figures_privacy import costs, forgotten
from tests.teaching.test_figures_topics import by_weight, held_out, lines, shares

RNG = np.random.default_rng(0)
CLASSES = ("Walking", "Jogging", "Sitting")


def scores():
    return pd.DataFrame(
        {
            "model": ["personal", "shared", "local"],  # any order
            "accuracy": [0.868, 0.711, 0.763],
            "lower": [0.7, 0.6, 0.6],
            "upper": [0.9, 0.8, 0.9],
        }
    )


def recording(user, spread, n=3000):
    signal = np.column_stack([spread * np.sin(np.arange(n) / 8), np.full(n, 9.81), np.zeros(n)])
    return SimpleNamespace(signal=signal, rate_hz=50.0, user=user, class_name="PEN", side="left")


def history(n=120):
    epoch = np.arange(1, n + 1)
    return pd.DataFrame(
        {"epoch": epoch, "loss": 1 / epoch, "val_loss": (epoch - 37) ** 2 / 1000 + 0.61, "val_accuracy": 0.7}
    )


def people():
    return pd.DataFrame({"user": [4, 9, 3, 7], "accuracy": [0.61, 0.90, 0.71, 0.82]})


def before_after():
    return pd.concat([people().assign(kind="shared"), people().assign(accuracy=[0.8, 0.85, 0.9, 0.9], kind="personal")])


MATRIX = np.array([[50, 3, 0], [14, 46, 0], [1, 0, 9]])


def splits():
    return pd.DataFrame(
        {
            "split": ["random windows"] * 2 + ["whole people"] * 2,
            "what": ["validation", "unseen person"] * 2,
            "accuracy": [0.824, 0.724, 0.735, 0.735],
            "sd": [0.02, 0.15, 0.1, 0.15],
        }
    )


def curve(values):
    return pd.concat(
        [
            pd.DataFrame(
                {"model": model, "n_samples": [5, 10, 20, 40, 80], "accuracy": value, "lower": 0.1, "upper": 0.9}
            )
            for model, value in values.items()
        ]
    )


def full_curve():
    sizes = np.arange(1, 164)
    return pd.DataFrame({"model": "personal", "n_samples": sizes, "accuracy": 0.5 + sizes / 1000})


def everybody():
    """Person 1 gains 10 points, person 2 loses 4, person 3 is as before and has few samples; at every size."""
    rows = [
        {"user": user, "n_samples": size, "model": model, "accuracy": 0.7 + (gain if model == "personal" else 0)}
        for user, gain, most in ((1, 0.1, 90), (2, -0.04, 90), (3, 0.0, 20))
        for size in range(1, most + 1)
        for model in ("shared", "local", "personal")
    ]
    return pd.DataFrame(rows)


def gains():
    table = pd.DataFrame({"n_samples": [5, 20, 40], "mean": [0.0, 0.05, 0.1], "low": -0.02, "high": 0.12})
    random, new = table.assign(split="random windows"), table.assign(split="new bouts").head(2)
    return pd.concat([random, new.assign(mean=-0.03)]).assign(harmed=4, users=10)


def strategies():
    names = ["shared", "personal", "output layer only", "pull 1", "pull 10", "rehearsal 3"]
    families = ["shared", "personal", "output layer only", "pull", "pull", "rehearsal"]
    known, new = [0.73, 0.81, 0.8, 0.8, 0.76, 0.81], [0.65, 0.59, 0.58, 0.61, 0.64, 0.62]
    return pd.DataFrame({"strategy": names, "family": families, "known": known, "new": new})


def own_recording():
    rng = np.random.default_rng(0)
    pieces = tuple((start, rng.normal(9, 2, size=(n, 3))) for start, n in ((0.0, 1500), (35.0, 2000)))
    return OwnRecording(Path("walk.csv"), "phyphox", 50.0, 100.0, pieces, ())


def window():
    signal = recording(3, 2.0).signal[:250]
    return figures.window_and_features(signal, 50.0, extract_features(signal[None], 50.0)[0], FEATURE_NAMES)


def crowd(kinds=(("shared", 0.0), ("personal", 0.1))):
    """As many people as WISDM has, and their accuracies spread as widely."""
    users = np.arange(1, 37)
    return pd.concat(
        [pd.DataFrame({"user": users, "accuracy": 0.16 + 0.02 * users + more, "kind": kind}) for kind, more in kinds]
    )


def poisoned():
    kinds = ["random", "pair", "next_likely", "least_likely", "noise", "backdoor"]
    rows = pd.DataFrame({"kind": kinds, "accuracy": 0.6, "accuracy_se": 0.03})
    return pd.concat([rows.assign(model="shared"), rows.assign(model="personal", accuracy=0.78)])


def recovery():
    frame = pd.DataFrame({"n_samples": [0, 5, 10, 20, 40, 60], "accuracy": [0.4, 0.5, 0.6, 0.7, 0.75, 0.8]})
    return {
        name: frame.assign(accuracy_se=0.02) for name in ("honest volunteers", "random labels", "least likely label")
    }


def crafted():
    shared = pd.DataFrame({"seed": 0, "crafted": [0, 6, 12], "length": 3, "defence": "none", "model": "shared"})
    shared["association"] = [0.0, 0.2, 0.4]
    personal = [shared.assign(model=model) for model in ("personal", "prior")]
    return pd.concat([shared, *personal, shared.assign(defence="5 repeats")])


def weights():
    frame = pd.DataFrame({"weight": [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30], "gain": 0.2, "lower": 0.1, "upper": 0.3})
    return {name: frame.assign(chosen=1) for name in ("30 papers", "200 news texts", "30 news texts")}


def attacked():
    games = ["window", "person", "person, new windows", "person, new recordings"]
    attacks = pd.DataFrame({"level": "user", "epsilon": 8.0, "game": games, "attack": "lira", "auc": 0.7})
    attacks = attacks.assign(auc_low=0.6, auc_high=0.8)
    return figures.utility_and_leakage(costs(), attacks, "user")


def levels():
    frame = costs().query("n_samples == 60")
    return {level: frame.assign(accuracy=frame["accuracy"] - 0.1 * n) for n, level in enumerate(("example", "user"))}


def ten_roc_points():
    rates = np.geomspace(0.001, 1, 10)
    return pd.DataFrame({"fpr": rates, "tpr": rates**0.7})


def joules():
    what = ["train on a Pi 3B, numpy", "train on a Pi 3B, keras_fit", "upload by Wi-Fi", "upload by mobile 3G"]
    return pd.DataFrame({"what": what, "kind": ["training"] * 2 + ["upload"] * 2, "low": 1.0, "high": 97.0})


WISDM_CLASSES = ("Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing")
ON_DEVICES = (
    "seconds_by_samples",
    "seconds_by_documents",
    "where_time_goes",
    "predicted_and_measured",
    "memory_by_kernel",
    "latency",
)
LOG = shipped("pi_logs", "emulated-raspi3b-icount-activity.jsonl")


def compared_defences():
    names = ("none", "outlier filter", "neighbour filter", "trimmed loss", "averaged: median", "averaged: trimmed mean")
    rows = [
        (kind, name, 0.75 + 0.02 * place, 0.01 * place, 0.02, place)
        for kind in ("none", "least_likely")
        for place, name in enumerate(names)
    ]
    return pd.DataFrame(rows, columns=["kind", "defence", "accuracy", "change", "change_se", "losers"])


def designs():
    """As compare_federated gives them."""
    models = {"central": 0.73, "personal": 0.8, "local": 0.64, "FedAvg 1 at home": 0.72, "FedAvg 40 at home": 0.81}
    sent = {"central": 26.0, "personal": 26.0, "FedAvg 1 at home": 26.0, "FedAvg 40 at home": 1025.0}
    rows = [(m, a, a - 0.8, a - 0.82, a - 0.79, sent.get(m, 0.0)) for m, a in models.items()]
    return pd.DataFrame(rows, columns=["model", "accuracy", "lead", "low", "high", "kilobytes_up"])


def releases():
    """Six people, before and after two releases: the first helps all but one, the second nobody."""
    rows = []
    for release, gain in ((2, 0.04), (3, -0.02)):
        for user in range(6):
            after = 0.7 + (gain if user or release == 3 else -0.01) + 0.002 * user
            rows += [(user, release, 10, "before", 0.7 + 0.002 * user), (user, release, 10, "retrain", after)]
    return pd.DataFrame(rows, columns=["user", "release", "n_samples", "model", "accuracy"])


EVERY = {
    "accuracy_by_bytes": lambda: figures.accuracy_by_bytes(designs()),
    "gains": lambda: figures.gains(
        releases(), {"retrain": "retrain"}, "before", by="release", title="A new release", x_title="release"
    ),
    "defences": lambda: figures.defences(compared_defences(), "30% send the least likely labels"),
    "three_models": lambda: figures.three_models(scores(), person=3, n_windows=38),
    "signals": lambda: figures.signals([recording(user, user) for user in (1, 2, 3, 4, 5)], seconds=20),
    "recording": lambda: figures.recording(own_recording(), [Stretch(5, 20, "PEN"), Stretch(20, 50, "ABD")], (50, 60)),
    "window_and_features": window,
    "training_history": lambda: figures.training_history(history(5000)),
    "per_person": lambda: figures.per_person(people(), highlight=3),
    "per_person, two kinds": lambda: figures.per_person(before_after(), highlight=3, title="Before and after"),
    "confusion": lambda: figures.confusion(MATRIX, CLASSES),
    "split_comparison": lambda: figures.split_comparison(splits()),
    "accuracy_by_samples": lambda: figures.accuracy_by_samples(
        curve({"shared": 0.73, "personal": 0.8}), curve({"shared": 0.548, "local": 0.4}), curve({"local": 0.45})
    ),
    "accuracy_by_samples, a full curve": lambda: figures.accuracy_by_samples(full_curve()),
    "gain_of_each_person": lambda: figures.gain_of_each_person(everybody(), at=20, highlight=2),
    "gain_by_split": lambda: figures.gain_by_split(gains()),
    "trade_off": lambda: figures.trade_off(strategies(), "in known bouts", "in new bouts"),
    "per_person, many": lambda: figures.per_person(crowd(), highlight=3),
    "confusion, long names": lambda: figures.confusion(np.full((6, 6), 100), WISDM_CLASSES),
    "likelihood_by_iteration": lambda: figures.likelihood_by_iteration(lines(), lines("log_likelihood")),
    "likelihood_by_share": lambda: figures.likelihood_by_share(shares(), shares("log_likelihood")),
    "held_out_by_iteration": lambda: figures.held_out_by_iteration(held_out()),
    "bits_by_weight": lambda: figures.bits_by_weight(by_weight(), chosen=1.0, at=10.0),
    "gain_by_weight": lambda: figures.gain_by_weight(weights()),
    "saving_by_target": lambda: figures.saving_by_target(
        {f"local@{at}": pd.Series([0.4, -0.5, -np.inf]) for at in (5, 10, 20, 30, 40)},
        pd.DataFrame({"iteration_reduction": [0.4, 0.3]}),
    ),
    "poisoned_models": lambda: figures.poisoned_models(poisoned(), {"shared": 0.73, "personal": 0.82}),
    "healing": lambda: figures.healing(recovery()),
    "crafted_documents": lambda: figures.crafted_documents(crafted()),
    "roc": lambda: figures.roc(dict.fromkeys(("shared", "personal, stopped", "personal, 300"), ten_roc_points())),
    "accuracy_by_epsilon": lambda: figures.accuracy_by_epsilon(levels()),
    "accuracy_and_attack": lambda: figures.accuracy_and_attack(attacked()),
    "unlearning": lambda: figures.unlearning({"wisdm": forgotten(), "watch": forgotten()}),
    "energy": lambda: energy(joules()),
    "moment": lambda: moment(read_log(LOG), 20.0),
    **{name: lambda place=place: some_of_all()[place] for place, name in enumerate(ON_DEVICES)},
}
each_figure = pytest.mark.parametrize("draw", EVERY.values(), ids=EVERY.keys())


def test_every_figure_has_a_sample():
    drawing = {
        name for name in figures.__all__ if "Figure" in str(getattr(figures, name).__annotations__.get("return"))
    }
    assert drawing <= {name.split(",")[0] for name in EVERY}


def leaves(value):
    if isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    else:
        yield value


@each_figure
def test_the_json_is_plain_small_and_rounded(draw):
    bundle = draw().bundle()
    text = json.dumps(bundle[PLOTLY], allow_nan=False)  # NaN is no JSON: it would raise
    assert "bdata" not in text
    assert len(text) < 60_000
    floats = [leaf for leaf in leaves(bundle[PLOTLY]) if isinstance(leaf, float)]
    assert floats
    assert all(leaf == round(leaf, 4) for leaf in floats)


@each_figure
def test_the_same_data_give_the_same_figure(draw):
    assert json.dumps(draw().bundle()) == json.dumps(draw().bundle())


@each_figure
def test_every_figure_is_white_and_titled_and_has_no_width(draw):
    layout = draw().bundle()[PLOTLY]["layout"]
    assert layout["template"]["layout"]["plot_bgcolor"] == layout["template"]["layout"]["paper_bgcolor"] == "white"
    assert layout["title"]["text"]
    assert "width" not in layout
    assert layout["height"] > 200


@each_figure
def test_every_axis_that_is_labelled_by_numbers_has_a_title(draw):
    figure = draw().plotly
    titles = [axis.title.text for axis in (*figure.select_xaxes(), *figure.select_yaxes())]
    assert any(titles)
    if draw in (EVERY["signals"], EVERY["window_and_features"]):
        assert "m/s²" in titles


@each_figure
def test_plotly_accepts_the_json_again(draw):
    content = draw().bundle()[PLOTLY]
    go.Figure(data=content["data"], layout=content["layout"])


@each_figure
def test_the_sentence_is_the_alternative_text_and_stands_once_below(draw, monkeypatch):
    bundles = []
    for place in ("display", "figures.style"):
        monkeypatch.setattr(f"pmt_helpers.teaching.{place}.publish", bundles.append)
    figure = draw()
    figure._ipython_display_()  # no kernel: the sentence alone
    monkeypatch.setattr("pmt_helpers.teaching.figures.style.in_notebook", lambda: True)
    figure._ipython_display_()
    assert [list(bundle) for bundle in bundles] == [
        ["text/plain", "text/html"],
        [PLOTLY, "text/plain"],
        ["text/plain", "text/html"],
    ]
    assert {bundle["text/plain"] for bundle in bundles} == {figure.sentence} == {repr(figure)}
    assert figure.sentence.endswith(".")
    assert "nan" not in figure.sentence


@each_figure
def test_titles_are_broken_so_that_they_fit_a_narrow_window(draw):
    assert max(map(len, draw().plotly.layout.title.text.split("<br>"))) <= 30


def test_a_long_title_moves_legend_and_plot_down():
    short = figures.per_person(before_after(), title="Short").plotly.layout
    long = figures.per_person(before_after(), title="The shared model, on people it has never seen").plotly.layout
    assert long.margin.t - short.margin.t == long.height - short.height == 20
    assert (1 - long.legend.y) * long.height == pytest.approx((1 - short.legend.y) * short.height + 20)


def test_three_models_come_in_their_order_whatever_the_frames():
    assert figures.three_models(scores(), person=3, n_windows=38).sentence == (
        "On 38 windows of person 3 that no model has seen, shared is right for 71%, local 76%, personal 87%."
    )
    assert figures.three_models(scores().head(2)).sentence == (
        "On windows that no model has seen, shared is right for 71%, personal 87%."
    )


def test_whiskers_are_the_interval_given():
    bars = figures.three_models(scores()).plotly.data
    shared = next(bar for bar in bars if bar.name == "shared")
    assert shared.error_x.array[0] == pytest.approx(0.8 - 0.711)
    assert shared.error_x.arrayminus[0] == pytest.approx(0.711 - 0.6)
    assert figures.three_models(scores()[["model", "accuracy"]]).plotly.data[0].error_x.array is None


def test_a_model_has_the_same_colour_and_dash_everywhere():
    bars = {trace.name: trace.marker.color for trace in EVERY["three_models"]().plotly.data}
    lines = {
        trace.name: trace.line for trace in EVERY["accuracy_by_samples"]().plotly.data if trace.mode == "lines+markers"
    }
    dots = {t.name: t.marker.color for t in EVERY["per_person, two kinds"]().plotly.data if t.name in MODEL_COLOURS}
    assert bars == MODEL_COLOURS
    for name in ("shared", "personal"):
        assert lines[name].color == dots[name] == MODEL_COLOURS[name]
        assert lines[name].dash == MODEL_DASHES[name]
    assert len(set(MODEL_COLOURS.values())) == len(set(MODEL_DASHES.values())) == 3


def test_signals_says_how_strongly_each_person_shakes():
    still, strong = recording(2, 0.0), recording(5, 20.0)
    sentence = figures.signals([still, strong], seconds=10).sentence
    size = np.linalg.norm(strong.signal[:500], axis=1).std()
    assert f"0.0 m/s² for person 2 (PEN) and {size:.1f} m/s² for person 5 (PEN)" in sentence
    assert "in the first 10 seconds" in sentence


def test_signals_are_thinned_but_keep_their_time():
    trace = figures.signals([recording(user, 1.0) for user in range(8)], seconds=60).plotly.data[0]
    assert len(trace.y) * trace.dx == pytest.approx(60, rel=0.05)
    full = figures.signals([recording(1, 1.0)], seconds=10).plotly.data[0]
    assert len(full.y) == 500


def test_a_window_names_the_axis_that_moves_most_and_its_rhythm():
    sentence = window().sentence
    assert sentence.startswith("250 readings of 3 axes in 5 seconds become 43 features. The x axis varies most")
    assert "a peak about every" in sentence


def test_an_axis_without_peaks_has_no_nan():
    signal = np.zeros((250, 3))
    figure = figures.window_and_features(signal, 50.0, extract_features(signal[None], 50.0)[0], FEATURE_NAMES)
    assert "too few peaks" in figure.sentence
    assert "x none, y none, z none" in json.dumps(figure.bundle()[PLOTLY])


def test_all_43_features_are_in_the_figure():
    bars = [trace for trace in window().plotly.data if trace.type == "bar"]
    assert sum(len(bar.y) for bar in bars) == 40  # and three times between peaks, written out


def test_training_history_finds_the_best_epoch():
    frame = history()
    assert figures.training_history(frame).sentence == (
        "The validation loss is lowest after epoch 37 (0.61). In the 83 epochs after it, the training loss goes from "
        f"0.03 to 0.01, and the validation loss to {frame['val_loss'].iloc[-1]:.2f}."
    )


def test_training_that_was_still_improving_says_so():
    assert "still improving" in figures.training_history(history().head(30)).sentence


def test_per_person_says_mean_spread_extremes_and_you():
    assert figures.per_person(people(), highlight=3).sentence == (
        "Accuracy over 4 people: mean 76%, SD 13 points, from 61% (person 4) to 90% (person 9), you (person 3) 71%."
    )
    assert "you" not in figures.per_person(people(), highlight=99).sentence


def test_per_person_marks_you_and_sorts_people():
    figure = figures.per_person(people(), highlight=3).plotly
    assert list(figure.layout.xaxis.categoryarray) == ["4", "3", "7", "9"]
    you = next(trace for trace in figure.data if trace.name == "you")
    assert (you.x, you.y) == (("3",), (0.71,))


def test_you_are_named_where_no_marker_is():
    """Above the plot: beside the ring the word would hide the second model's marker, or a neighbour."""
    figure = figures.per_person(before_after(), highlight=3).plotly
    rings = next(trace for trace in figure.data if trace.name == "you")
    assert (rings.mode, rings.y) == ("markers", (0.71, 0.9))
    (word,) = [note for note in figure.layout.annotations if "you" in note.text]
    assert (word.x, word.y, word.yref, word.yanchor) == (1, 1, "paper", "bottom")  # the second person drawn


def test_no_half_of_a_plot_stands_empty():
    low = lambda frame: figures.per_person(frame).plotly.layout.yaxis.range[0]  # noqa: E731
    assert low(people()) == low(people().assign(lower=0.51)) == 0.5
    assert low(people().assign(lower=0.4)) == low(crowd()) == 0


def test_nothing_is_minus_nothing():
    assert "-0.0" not in json.dumps(plain([-0.0, -1e-9]))
    frame = gains().assign(mean=-1e-6)
    assert "+0.0 points" in figures.gain_by_split(frame).sentence
    assert "-0" not in figures.gain_by_split(frame).sentence


def test_two_kinds_are_compared_person_by_person():
    sentence = figures.per_person(before_after(), highlight=3).sentence
    assert sentence.index("Shared: mean") < sentence.index("Personal: mean")
    assert sentence.endswith("Personal is better than shared for 3 of 4.")


def test_one_person_has_no_spread():
    assert figures.per_person(people().head(1)).sentence == (
        "Accuracy over 1 person: mean 61%, from 61% (person 4) to 61% (person 4)."
    )


def test_confusion_names_the_most_frequent_one_and_recall():
    assert figures.confusion(MATRIX, CLASSES).sentence == (
        "The most frequent confusion: 14 of 60 windows of Jogging (23%) are taken for Walking. "
        "Recall (the share of a class that is found) goes from 77% (Jogging) to 94% (Walking)."
    )


def test_confusion_when_nothing_is_confused_or_a_class_is_empty():
    sentence = figures.confusion(np.diag([5, 0, 7]), CLASSES).sentence
    assert sentence.startswith("No window is taken for another class. Recall")
    assert "Jogging" not in sentence
    assert "no windows" in figures.confusion(np.zeros((3, 3)), CLASSES).sentence


def test_confusion_is_coloured_by_row_and_labelled_by_count():
    heat = figures.confusion(MATRIX, CLASSES).plotly.data[0]
    np.testing.assert_allclose(np.sum(np.array(heat.z), axis=1), 1)
    assert np.array(heat.text).tolist() == MATRIX.tolist()
    assert figures.confusion(MATRIX, CLASSES).plotly.layout.yaxis.title.text == "actual"


def test_split_comparison_says_what_was_promised_and_what_came():
    assert figures.split_comparison(splits()).sentence == (
        "Random windows: validation promises 82%, an unseen person gets 72%, 10 points less. "
        "Whole people: validation promises 74%, an unseen person gets 74%, no difference."
    )


def test_a_curve_compares_at_one_size_and_draws_the_paper_in_grey():
    figure = EVERY["accuracy_by_samples"]()
    assert figure.sentence == "Accuracy with 20 samples: shared 73%, personal 80%; in the paper shared 55%, local 40%."
    grey = [trace for trace in figure.plotly.data if trace.line.color == "#999999"]
    assert len(grey) == 3  # two lines, and the one that stands for them in the legend
    assert {trace.name for trace in figure.plotly.data if trace.showlegend is not False} == {
        "the paper (same dashes)",
        "people in the paper",
        "shared",
        "personal",
    }


def test_a_long_curve_is_thinned_from_its_first_size_to_its_last():
    (line,) = EVERY["accuracy_by_samples, a full curve"]().plotly.data
    assert (line.x[0], line.x[-1]) == (1, 163)
    assert len(line.x) <= 60
    assert line.mode == "lines"
    assert "paper" not in EVERY["accuracy_by_samples, a full curve"]().sentence


@pytest.mark.parametrize("at", [1, 20, 47, 90])
def test_the_point_is_drawn_at_which_a_person_is_called_worse_off(at):
    for line in figures.gain_of_each_person(everybody().query("user < 3"), at=at).plotly.data:
        assert at in line.x
        assert len(line.x) <= 60
    (line,) = figures.accuracy_by_samples(full_curve()).plotly.data
    assert 20 in line.x


def test_two_figures_of_a_notebook_can_have_two_titles():
    assert figures.three_models(scores(), person=3).plotly.layout.title.text == "Which is best for person 3?"
    assert figures.three_models(scores(), person=3, title="Twice as many").plotly.layout.title.text == "Twice as many"


def test_whoever_loses_stands_out_and_is_counted():
    figure = EVERY["gain_of_each_person"]()
    names = [trace.name for trace in figure.plotly.data]
    assert names.count("worse off at 20 samples") == 1
    assert names.count("better off") == 2
    assert names[-1] == "you (person 2)"
    assert "+2.0 points" in figure.sentence
    assert "worse for 1 of 3. Person 2 loses most (-4 points)." in figure.sentence


def test_gains_by_split_are_read_at_the_largest_size_that_all_have():
    assert EVERY["gain_by_split"]().sentence == (
        "Change of accuracy by personalising with 20 samples [95% interval]: random windows +5.0 points [-2.0, +12.0], "
        "4 of 10 worse off; new bouts -3.0 points [-2.0, +12.0], 4 of 10 worse off."
    )


def test_every_strategy_starts_from_plain_retraining():
    figure = EVERY["trade_off"]()
    lines = [trace for trace in figure.plotly.data if trace.mode.startswith("lines")]
    assert {(line.x[0], line.y[0]) for line in lines} == {(0.81, 0.59)}
    assert [line.name for line in lines] == ["output layer only", "pull", "rehearsal"]
    assert lines[1].text == ("", "1", "10")
    assert figure.sentence == (
        "Accuracy in known bouts and in new bouts: shared 73% and 65%; personal 81% and 59%; "
        "rehearsal 3 (the best cure on both together) 81% and 62%."
    )


@pytest.mark.parametrize(
    ("draw", "missing"),
    [
        (lambda: figures.three_models(scores().drop(columns="accuracy")), "accuracy"),
        (lambda: figures.per_person(people().drop(columns="user")), "user"),
        (lambda: figures.training_history(history().drop(columns="val_loss")), "val_loss"),
        (lambda: figures.split_comparison(splits().drop(columns="sd")), "sd"),
        (lambda: figures.per_person(people().head(0)), "one row"),
        (lambda: figures.accuracy_by_samples(curve({"local": 0.5}).drop(columns="n_samples")), "n_samples"),
        (lambda: figures.gain_of_each_person(everybody().drop(columns="model"), 20), "model"),
        (lambda: figures.gain_by_split(gains().drop(columns="harmed")), "harmed"),
        (lambda: figures.trade_off(strategies().drop(columns="new"), "a", "b"), "new"),
        (lambda: figures.signals([]), "one recording"),
        (lambda: figures.confusion(MATRIX, CLASSES[:2]), "found"),
    ],
)
def test_what_is_missing_is_said(draw, missing):
    with pytest.raises(ValueError, match=missing):
        draw()


def test_arrays_that_plotly_packs_are_unpacked():
    figure = go.Figure(go.Heatmap(z=np.arange(6.0).reshape(2, 3) / 3, x=np.array([1, 2, 3])))
    content = Figure(figure, "A sentence.").bundle()[PLOTLY]
    assert content["data"][0]["z"] == [[0.0, 0.3333, 0.6667], [1.0, 1.3333, 1.6667]]
    assert content["data"][0]["x"] == [1, 2, 3]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
        max_leaves=20,
    )
)
def test_plain_gives_json_that_reads_back_as_it_was_written(value):
    done = plain(value)
    assert json.loads(json.dumps(done, allow_nan=False)) == done
    assert plain(done) == done
    assert all(not isinstance(leaf, float) or math.isfinite(leaf) for leaf in leaves(done))


def test_two_series_that_are_no_models_look_different():
    frame = before_after().assign(kind=lambda rows: rows["kind"].map({"shared": "first", "personal": "second"}))
    looks = {t.name: (t.marker.color, t.marker.symbol) for t in figures.per_person(frame).plotly.data if t.name}
    assert looks["first"] != looks["second"]
