"""Published topics tell how often each word was written, exactly."""

import numpy as np
import pytest

from pmt_helpers.attacks.publishing import publish
from pmt_helpers.attacks.vocabulary import recover_word_counts
from pmt_helpers.datasets import load_documents
from pmt_helpers.topics import GibbsLDA


@pytest.mark.parametrize("seed", range(5))
def test_every_count_is_recovered_and_known_to_be_exact(seed: int) -> None:
    counts = load_documents("news").counts[seed * 40 : seed * 40 + 100]
    lda = GibbsLDA(seed=seed).fit(counts, 5)
    found = recover_word_counts(lda.phi_)
    np.testing.assert_array_equal(found.by_word, counts.sum(axis=0))
    assert found.exact
    topics = np.bincount(lda.topics_, minlength=20)
    np.testing.assert_array_equal(found.counts.sum(axis=1), topics)  # and how many tokens each topic has


@pytest.mark.parametrize("beta", [0.01, 0.1, 0.37, 2.0])
@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_beta_can_be_found(news, beta: float, kind: str) -> None:
    counts, _ = news
    phi = GibbsLDA(beta=beta, seed=3).fit(counts, 3).phi_.astype(kind)
    found = recover_word_counts(phi, None)
    assert found.beta == pytest.approx(beta, rel=1e-5)
    assert found.exact
    np.testing.assert_array_equal(found.by_word, counts.sum(axis=0))


def test_decimals_hide_the_counts_of_large_topics_only(news) -> None:
    counts, phi = news
    size = 0.1 / phi.min(axis=1)  # tokens, and the prior of all words: below a thousand here
    assert size.max() < 1000
    assert recover_word_counts(publish(phi, counts, "4 decimals").phi).exact
    almost = recover_word_counts(publish(phi, counts, "3 decimals").phi)  # all of them for one chain in ten
    assert (almost.by_word == counts.sum(axis=0)).mean() > 0.9
    hidden = recover_word_counts(phi.round(2))
    assert not hidden.exact
    assert not hidden.determined.any()
    assert not hidden.by_word.any()


def test_topics_without_an_absent_word_are_read_too(news) -> None:
    counts, phi = news
    assert recover_word_counts(publish(phi, counts, "10 top words").phi).determined.sum() >= 10 * 20
    common = counts[:, np.argsort(-counts.sum(axis=0))[:30]]
    one = GibbsLDA(1, seed=0).fit(common, 1).phi_
    found = recover_word_counts(one)
    assert found.exact
    np.testing.assert_array_equal(found.by_word, common.sum(axis=0))


def test_topics_kept_as_a_prior_are_not_of_this_form(news) -> None:
    counts, phi = news
    own = GibbsLDA(seed=4).fit(counts, 5, "prior", phi, weight=0.3).phi_
    assert not recover_word_counts(own).exact


def test_a_wrong_beta_does_not_look_exact(news) -> None:
    _, phi = news
    assert not recover_word_counts(phi, 0.05).exact


@pytest.mark.parametrize(
    ("phi", "beta", "message"),
    [
        (np.ones(3), 0.1, "shape"),
        (-np.ones((2, 3)), 0.1, "none negative"),
        (np.full((2, 3), np.nan), 0.1, "NaN"),
        (np.full((2, 3), 1 / 3), 0.0, "beta must be"),
        (np.full((2, 3), 1 / 3), None, "no beta makes whole counts"),
        (np.array([[0.25, 0.75]]), None, "pass beta"),
    ],
)
def test_invalid_topics_are_refused(phi: np.ndarray, beta: float | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recover_word_counts(phi, beta)
