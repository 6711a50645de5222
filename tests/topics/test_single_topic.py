"""People with one topic: who they are, and how a saving of iterations is counted."""

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.topics import TopicSettings, figure_6
from pmt_helpers.topics.single_topic import improvement, local_after, saving, single_topic_users
from pmt_helpers.topics.splits import split
from tests.topics.conftest import plant

SMALL = TopicSettings(n_shared=150, n_local=20, n_topics=4, alpha=0.3, iterations=6)


def lines(**models: list[float]) -> pd.DataFrame:
    """One person's curves."""
    frames = [
        pd.DataFrame({"seed": 0, "person": 0, "model": model, "iteration": range(1, 5), "log2_likelihood": values})
        for model, values in models.items()
    ]
    return pd.concat(frames, ignore_index=True)


def test_everybody_gets_documents_of_one_planted_topic() -> None:
    planted = plant(400)
    parts = split(planted.counts, SMALL, 0)
    counts, topic, share = single_topic_users(parts, 4, 0)
    assert counts.shape[0] == 250
    mass = np.add.reduceat(counts.toarray(), range(0, 60, 15), axis=1)  # tokens in the words of each planted topic
    own = np.stack([mass[topic == person].sum(axis=0) for person in range(4)])
    assert sorted(own.argmax(axis=1)) == [0, 1, 2, 3]  # nobody's topic is another's
    assert (own.max(axis=1) > 0.5 * own.sum(axis=1)).all()  # of everybody together it is a quarter
    assert (share > 0.25).all()


def test_figure_6_has_both_models_of_everybody() -> None:
    planted = plant(400)
    curves = figure_6(planted.counts, SMALL, (0, 1), n_users=4)
    assert list(curves) == ["seed", "person", "documents", "share", "model", "iteration", "log2_likelihood"]
    assert len(curves) == 2 * 4 * 2 * 6
    assert (curves.groupby("seed").apply(lambda rows: rows.drop_duplicates("person")["documents"].sum()) == 250).all()
    gains = improvement(curves, 1, 3)
    assert len(gains) == 8
    assert (gains > 0).mean() > 0.7


def test_an_improvement_is_a_fraction_of_the_local_likelihood() -> None:
    curves = lines(local=[-10, -8, -8, -8], personal=[-9, -8, -8, -8])
    assert improvement(curves, 1, 1).item() == pytest.approx(0.1)
    assert improvement(curves, 1, 2).item() == pytest.approx(0.05)


def test_a_saving_depends_on_the_target_and_may_be_a_loss() -> None:
    curves = lines(local=[-10, -9, -8, -7.5], personal=[-9, -8.5, -8.4, -7.9])
    assert local_after(curves, 2).item() == -9
    assert saving(curves, local_after(curves, 2)).item() == 0.5
    assert saving(curves, -8.0).item() == pytest.approx(1 - 4 / 3)
    assert saving(curves, -7.5).item() == -np.inf  # the personal model never gets there
    assert np.isnan(saving(curves, -7.0).item())  # nobody does
