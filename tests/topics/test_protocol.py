"""The paper's experiments: tidy, and on NIPS with the numbers that were measured before."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from pmt_helpers.topics import TopicSettings, by_model, figure_5, held_out_curve, iterations_to_reach, over_seeds

SMALL = TopicSettings(n_shared=120, n_local=20, n_topics=4, alpha=0.3, iterations=6)


@pytest.fixture(scope="module")
def shares(planted) -> pd.DataFrame:
    return figure_5(planted.counts, SMALL, (0, 10, 100), (0, 1, 2))


def test_figure_5_has_a_row_for_each_seed_share_and_iteration(shares: pd.DataFrame) -> None:
    assert list(shares) == ["seed", "shared_percent", "iteration", "log2_likelihood"]
    assert len(shares) == 3 * 3 * 6
    assert not shares.duplicated(["seed", "shared_percent", "iteration"]).any()


def test_figure_4_is_the_two_ends_of_figure_5(shares: pd.DataFrame) -> None:
    lines = by_model(shares)
    assert list(lines) == ["seed", "model", "iteration", "log2_likelihood"]
    ends = shares[shares["shared_percent"] != 10]
    np.testing.assert_array_equal(lines["log2_likelihood"], ends["log2_likelihood"])


def test_shared_topics_give_a_start_and_more_of_them_a_better_one(shares: pd.DataFrame) -> None:
    first = over_seeds(shares[shares["iteration"] == 1])["log2_likelihood"].tolist()
    assert first[0] < first[1] < first[2]
    target = shares[(shares["shared_percent"] == 0) & (shares["iteration"] == 6)]["log2_likelihood"].mean()
    needed = iterations_to_reach(shares, target)
    assert needed[100] < needed[0] <= 6
    assert iterations_to_reach(shares, 0.0).isna().all()


def test_held_out_curves_have_every_model_and_the_shared_one_stays(planted) -> None:
    found = held_out_curve(planted.counts, SMALL, (1.0, 1e6), (0, 1, 6), (0, 1))
    name = found["model"] + found["weight"].map(lambda weight: "" if np.isnan(weight) else f" {weight:g}")
    bits = found.assign(name=name).pivot(index=["seed", "iteration"], columns="name", values="bits")
    assert list(bits) == ["local", "personal", "prior 1", "prior 1e+06", "shared"]
    assert bits.notna().all(axis=None)
    np.testing.assert_allclose(bits["prior 1e+06"], bits["shared"], atol=1e-4)
    assert (bits["shared"].groupby("seed").nunique() == 1).all()
    assert (bits["shared"] > bits["local"] + 0.1).xs(0, level="iteration").all()


def test_held_out_curves_say_which_weight_validation_chose_and_how_coherent_the_topics_are(planted) -> None:
    found = held_out_curve(planted.counts, SMALL, (0.01, 10.0), (0, 6), (0, 1))
    prior = found[found["model"] == "prior"]
    assert (prior[prior["chosen"]].groupby("seed")["weight"].unique().str.len() == 1).all()
    best = prior.loc[prior.groupby("seed")["validation"].idxmax()].set_index("seed")["weight"]
    chosen = prior[prior["chosen"]].groupby("seed")["weight"].first()
    pd.testing.assert_series_equal(best, chosen)
    assert not found[found["model"] != "prior"]["chosen"].any()
    assert found.query("iteration == 6")["coherence"].between(-1, 1).all()
    assert found.query("iteration == 0")["coherence"].isna().all()


def test_intervals_over_seeds_are_students() -> None:
    frame = pd.DataFrame({"seed": [0, 1, 2], "iteration": 1, "log2_likelihood": [-1.0, -2.0, -3.0]})
    found = over_seeds(frame).iloc[0]
    assert (found["log2_likelihood"], found["seeds"]) == (-2, 3)
    assert found["upper"] - found["log2_likelihood"] == pytest.approx(4.302653 / np.sqrt(3))
    assert over_seeds(frame[:1])[["lower", "upper"]].isna().all(axis=None)


NIPS = Path(os.environ.get("PMT_DATA_HOME", "/nowhere")) / "nips" / "docword.nips-f20.txt.gz"


@pytest.fixture(scope="module")
def papers() -> csr_array:
    table = pd.read_csv(NIPS, sep=" ", skiprows=3, header=None, names=["document", "word", "count"])
    return csr_array((table["count"], (table["document"] - 1, table["word"] - 1)))


@pytest.mark.skipif(not NIPS.is_file(), reason="PMT_DATA_HOME has no nips/docword.nips-f20.txt.gz")
def test_one_seed_on_nips_agrees_with_what_six_were_measured_to_give(papers: csr_array) -> None:
    found = held_out_curve(papers, TopicSettings(), (1.0,), iterations=(0, 1, 50), seeds=(0,))
    bits = found.pivot(index="iteration", columns="model", values="bits")
    gain = bits.sub(bits["local"], axis=0)
    assert gain.loc[1, "personal"] == pytest.approx(0.43, abs=0.06)
    assert gain.loc[50, "personal"] == pytest.approx(0.03, abs=0.03)
    assert gain.loc[50, "prior"] == pytest.approx(0.16, abs=0.05)
    assert bits.loc[50, "prior"] > bits.loc[50, "shared"] - 0.01
    lines = by_model(figure_5(papers, percents=(0, 100), seeds=(0,))).pivot(
        index="iteration", columns="model", values="log2_likelihood"
    )
    assert lines.loc[1].to_dict() == pytest.approx({"local": -11.02, "personal": -10.54}, abs=0.06)
    assert lines.loc[50].to_dict() == pytest.approx({"local": -10.25, "personal": -10.22}, abs=0.06)
