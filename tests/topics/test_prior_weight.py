"""The weight of the shared topics is chosen on the person's own documents, and suits what they are like."""

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.topics import GibbsLDA, TopicSettings, choose_prior_weight, held_out_bits
from pmt_helpers.topics.prior_weight import best_weight, validation_bits
from tests.topics.conftest import plant
from tests.topics.test_splits import as_documents

SETTINGS = TopicSettings(n_topics=4, alpha=0.3, iterations=15)
WEIGHTS = (0.01, 1.0, 100.0)


def test_a_fold_is_predicted_by_a_model_of_the_others(planted) -> None:
    own = planted.counts[:20]
    bits = validation_bits(planted.phi, own, (1.0,), settings=SETTINGS, folds=4, seed=5)
    fold_of = np.random.default_rng(5).permutation(20) % 4
    lda = GibbsLDA(4, 0.3, 0.1, (5, 2, 1)).fit(own[fold_of != 1], 15, "prior", planted.phi, 1.0)
    expected = held_out_bits(lda.phi_, own[fold_of == 1], 0.3, 5)
    assert bits.query("fold == 1")["bits"].item() == expected
    assert list(bits["fold"]) == [0, 1, 2, 3]


def test_good_shared_topics_get_a_heavy_prior_and_foreign_ones_a_light_one(planted) -> None:
    own = as_documents(planted.counts[:10], [f"word{w}" for w in range(60)])
    foreign = np.random.default_rng(0).permuted(planted.phi, axis=1)
    chosen = {}
    for name, phi in (("good", planted.phi), ("foreign", foreign)):
        shared = as_topics(phi, own.vocabulary)
        chosen[name] = choose_prior_weight(shared, own, WEIGHTS, settings=SETTINGS)
        assert len(chosen[name].bits) == 5 * len(WEIGHTS)
    assert chosen["good"].weight == 100
    assert chosen["foreign"].weight == 0.01


def as_topics(phi: np.ndarray, words):
    from pmt_helpers.topics import Topics

    return Topics(phi, words)


def test_of_equal_weights_the_smallest_is_taken_and_the_highest_mean_wins() -> None:
    bits = pd.DataFrame({"fold": [0, 1] * 3, "weight": [1, 1, 3, 3, 9, 9], "bits": [-8, -9, -8, -9, -5, -20]})
    assert best_weight(bits) == 1
    assert best_weight(bits.assign(bits=-bits["bits"])) == 9


def test_threads_change_nothing_and_the_same_seed_gives_the_same(planted) -> None:
    found = [validation_bits(planted.phi, planted.counts[:15], WEIGHTS, settings=SETTINGS, threads=n) for n in (1, 2)]
    pd.testing.assert_frame_equal(*found)


def test_documents_of_one_group_are_held_out_together() -> None:
    own = plant(12).counts
    with pytest.raises(ValueError, match="12 documents in 1 group cannot be cut"):
        validation_bits(plant(1).phi, own, groups=np.repeat("a", 12), settings=SETTINGS)
    two = validation_bits(plant(1).phi, own, (1.0,), groups=np.repeat(["a", "b"], 6), settings=SETTINGS)
    assert len(two) == 2
    groups = np.repeat(np.arange(6), 2)
    together = validation_bits(plant(1).phi, own, (1.0,), groups=groups, settings=SETTINGS, folds=3)
    apart = validation_bits(plant(1).phi, own, (1.0,), settings=SETTINGS, folds=3)
    assert not np.allclose(together["bits"], apart["bits"])
