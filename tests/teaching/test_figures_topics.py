"""Figures of the topics chapter: what is drawn is what is given, and the sentence reads it."""

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.teaching import figures
from pmt_helpers.teaching.figures.style import GREY, MODEL_COLOURS

NAN = float("nan")


def lines(value: str = "log2_likelihood") -> pd.DataFrame:
    return pd.DataFrame(
        {"model": ["local", "local", "personal", "personal"], "iteration": [1, 50] * 2, value: [-11, -10, -10.5, -9.97]}
    )


def shares(value: str = "log2_likelihood") -> pd.DataFrame:
    rows = [(0, 1, -11.0), (10, 1, -10.7), (100, 1, -10.5), (0, 10, -10.5), (10, 10, -10.3), (100, 10, -10.2)]
    rows += [(0, 50, -10.0), (10, 50, -10.0), (100, 50, -10.02)]
    return pd.DataFrame(rows, columns=["shared_percent", "iteration", value])


def held_out() -> pd.DataFrame:
    rows = [
        ("shared", NAN, 1, -10.6), ("local", NAN, 1, -11.1), ("personal", NAN, 1, -10.7), ("prior", 1.0, 1, -10.7),
        ("shared", NAN, 50, -10.6), ("local", NAN, 50, -10.8), ("personal", NAN, 50, -10.77), ("prior", 1.0, 50, -10.6),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["model", "weight", "iteration", "bits"])


def by_weight() -> pd.DataFrame:
    rows = [("local", NAN, -10.8, NAN), ("shared", NAN, -10.6, NAN), ("personal", NAN, -10.77, NAN)]
    rows += [("prior", 0.1, -10.75, -10.9), ("prior", 1.0, -10.6, -10.7), ("prior", 10.0, -10.55, -10.8)]
    return pd.DataFrame(rows, columns=["model", "weight", "bits", "validation"])


def drawn(figure, name: str):
    return next(trace for trace in figure.plotly.data if trace.name == name)


def test_the_lead_is_read_after_the_first_and_the_last_iteration() -> None:
    figure = figures.likelihood_by_iteration(lines(), lines("log_likelihood"))
    assert figure.sentence == (
        "The personal model is ahead by 0.50 bits per word after iteration 1 and 0.03 after 50. "
        "In the paper it is ahead by 0.50 bits per word after iteration 1 and 0.03 after 50."
    )
    assert drawn(figure, "local").line.color == MODEL_COLOURS["local"]
    assert drawn(figure, "the paper (same dashes)").line.color == GREY


def test_an_interval_is_drawn_as_a_band_where_there_is_one() -> None:
    banded = lines().assign(lower=[-11.1, -10.1, -10.6, -10.1], upper=[-10.9, -9.9, -10.4, -9.9])
    bands = [trace for trace in figures.likelihood_by_iteration(banded).plotly.data if trace.fill == "toself"]
    assert len(bands) == 2
    assert list(bands[0].y) == [-10.9, -9.9, -10.1, -11.1]
    assert not [trace for trace in figures.likelihood_by_iteration(lines()).plotly.data if trace.fill == "toself"]


def test_shares_are_read_as_a_part_of_the_whole_lead() -> None:
    figure = figures.likelihood_by_share(shares(), shares("log_likelihood"))
    assert figure.sentence == (
        "After iteration 1, 10% of the public documents give 60% of the lead that all of them give (in the paper 60%). "
        "After iteration 50, the lead with all of them is -0.02 bits."
    )
    assert list(drawn(figure, "iteration 1").y) == pytest.approx([0, 0.3, 0.5])


def test_held_out_models_are_read_against_the_local_one() -> None:
    figure = figures.held_out_by_iteration(held_out())
    assert "After iteration 1, in bits per word compared with local: shared +0.50, personal +0.40" in figure.sentence
    assert "personal +0.03, shared topics as prior +0.20." in figure.sentence
    assert list(drawn(figure, "local").x) == ["1", "50"]


def test_the_chosen_weight_need_not_be_the_best_on_the_test() -> None:
    figure = figures.bits_by_weight(by_weight(), chosen=1.0, at=10.0)
    assert figure.sentence == (
        "c = 10: +0.25 bits compared with local. Validation chooses c = 1: +0.20 bits compared with local on the test "
        "documents. The best there is c = 10 (+0.25)."
    )
    marks = [shape.x0 for shape in figure.plotly.layout.shapes]
    assert marks == [1.0, 10.0]
    chosen, at = figure.plotly.layout.annotations
    assert at.yshift >= chosen.yshift + at.font.size  # at neighbouring weights, too, no text is on the other
    assert len(figures.bits_by_weight(by_weight(), chosen=1.0, at=1.0).plotly.layout.shapes) == 1


def test_gains_name_each_persons_best_and_what_validation_takes() -> None:
    gains = pd.DataFrame(
        {"weight": [0.1, 1, 10], "gain": [0, 0.1, -0.2], "lower": [-0.1, 0, -0.3], "upper": 0.2, "chosen": [2, 4, 0]}
    )
    figure = figures.gain_by_weight({"many": gains, "few": gains.assign(chosen=[0, 6, 0])})
    assert "Many: best +0.10 at c = 1; validation chooses 0.1 to 1." in figure.sentence
    assert "Few: best +0.10 at c = 1; validation chooses 1." in figure.sentence


def test_people_who_never_get_there_are_drawn_and_counted() -> None:
    savings = {
        "early": pd.Series([0.5, 0.4, 0.3]),
        "late": pd.Series([0.2, -np.inf, -np.inf]),
        "nobody's": pd.Series([np.nan, -0.5, 0.1]),
    }
    figure = figures.saving_by_target(savings, pd.DataFrame({"iteration_reduction": [0.4, 0.3]}))
    assert "Early: median +40% (0 of 3 never reach it)." in figure.sentence
    assert "Late: most never reach it (2 of 3)." in figure.sentence
    assert "Nobody's: median -20% (0 of 2 never reach it)." in figure.sentence
    never = [trace for trace in figure.plotly.data if trace.name == "never reach it"]
    assert [len(trace.x) for trace in never] == [0, 2, 0]
    assert [trace.showlegend for trace in never] == [False, True, False]
    assert list(figure.plotly.layout.xaxis.ticktext) == ["paper", *savings]


@pytest.mark.parametrize("draw", ["likelihood_by_iteration", "likelihood_by_share", "held_out_by_iteration"])
def test_a_missing_column_is_named(draw: str) -> None:
    with pytest.raises(ValueError, match=f"{draw} needs the columns"):
        getattr(figures, draw)(pd.DataFrame({"iteration": [1]}))
