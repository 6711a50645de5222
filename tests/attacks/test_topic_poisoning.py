"""Crafted documents tie two words together; who keeps the shared topics inherits it, and a cap on repeats cures it."""

import numpy as np
import pytest

from pmt_helpers.attacks.topic_poisoning import (
    association,
    cap_repeats,
    crafted_documents,
    pick_words,
    poison_topics,
    recovery_curve,
)
from pmt_helpers.datasets import load_documents
from pmt_helpers.topics import TopicSettings
from pmt_helpers.topics.splits import split
from tests.topics.conftest import plant

PLAN = TopicSettings(n_shared=300, n_local=60, iterations=30)


@pytest.fixture(scope="module")
def wikipedia():
    return load_documents("wikipedia")


def test_crafted_documents_tie_words_and_only_the_prior_inherits_it(wikipedia) -> None:
    rows = poison_topics(wikipedia, PLAN, (0, 6), (3,), progress=False)
    found = rows.set_index(["crafted", "model"])["association"]
    assert found[0, "shared"] < 0.001
    assert found[6, "shared"] > 0.2
    assert found[6, "prior"] > 0.05
    assert found[6, "personal"] < 0.005
    bits = rows.set_index(["crafted", "model"])["bits"]
    assert bits[6, "shared"] == pytest.approx(bits[0, "shared"], abs=0.1)  # nobody sees it in the quality


def test_a_cap_on_repeats_cures_it(wikipedia) -> None:
    rows = poison_topics(wikipedia, PLAN, (6,), (3,), capped=True, progress=False)
    assert rows.set_index("model")["association"]["shared"] < 0.05
    assert (rows["defence"] == "5 repeats").all()


def test_a_fixed_prior_recovers_and_a_proportional_one_does_not(wikipedia) -> None:
    rows = recovery_curve(wikipedia, PLAN, (10, 60, 500), progress=False)
    found = rows.set_index(["own", "model"])["association"]
    assert 500 not in rows["own"].unique()  # nobody has so many
    assert found[60, "prior"] > found[10, "prior"]
    assert found[60, "prior of 30"] < found[0, "shared"] / 2
    assert found[10, "personal"] < 0.005


def test_crafted_documents_say_two_words_alike_often_and_nothing_else() -> None:
    new = crafted_documents(50, 3, 40, documents=4, tokens=21).toarray()
    assert (new.sum(axis=1) == 21).all()
    assert (abs(new[:, 3] - new[:, 40]) <= 1).all()
    assert new.sum() == new[:, [3, 40]].sum()


@pytest.mark.parametrize(("target", "payload", "tokens"), [(0, 0, 10), (0, 60, 10), (-1, 0, 10), (0, 1, 1)])
def test_what_cannot_be_crafted_is_refused(target: int, payload: int, tokens: int) -> None:
    with pytest.raises(ValueError, match=r"target and payload must be|at least 2 tokens"):
        crafted_documents(60, target, payload, 6, tokens)


def test_an_association_is_the_probability_of_the_next_word() -> None:
    phi = np.array([[0.5, 0.5, 0.0], [0.1, 0.0, 0.9]])
    assert association(phi, 0, 1) == pytest.approx(0.5 / 0.6 * 0.5)
    assert association(phi, 2, 1) == 0
    with pytest.raises(ValueError, match="no topic contains the target"):
        association(np.array([[0.0, 1.0]]), 0, 1)


def test_a_cap_leaves_rare_words_and_the_given_counts_alone() -> None:
    counts = plant(20, length=200).counts
    before = counts.toarray()
    np.testing.assert_array_equal(cap_repeats(counts, 3).toarray(), np.minimum(before, 3))
    np.testing.assert_array_equal(counts.toarray(), before)


def test_the_words_picked_never_meet_in_a_public_document(wikipedia) -> None:
    parts = split(wikipedia, PLAN, 0)
    for seed in range(3):
        target, payload = pick_words(parts.shared, parts.local, seed)
        public = parts.shared[:, [target, payload]].toarray() > 0
        assert public.any(axis=0).all()
        assert not public.all(axis=1).any()
        assert (parts.local[:, [target]].toarray() > 0).sum() >= 2
