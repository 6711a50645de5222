"""From the cloud comes phi and its words, nothing else; at home it fits, or says what does not."""

from dataclasses import fields

import numpy as np
import pytest

from pmt_helpers.datasets import DocumentData, load_card
from pmt_helpers.topics import GibbsLDA, Topics, personalise_topics, train_shared_topics


def as_documents(counts, words) -> DocumentData:
    n_docs = counts.shape[0]
    names = np.array([f"document {d}" for d in range(n_docs)])
    return DocumentData(counts, tuple(words), np.arange(n_docs), names, np.zeros(n_docs, int), load_card("news"), "")


@pytest.fixture(scope="module")
def words(planted) -> list[str]:
    return [f"word{w}" for w in range(planted.counts.shape[1])]


def test_only_topics_and_their_words_leave_the_cloud(planted, words) -> None:
    shared = train_shared_topics(as_documents(planted.counts, words), 4, iterations=5)
    assert [field.name for field in fields(shared.topics)] == ["phi", "vocabulary"]
    here, there = (
        personalise_topics(download, planted.counts[:9], iterations=3) for download in (shared, shared.topics)
    )
    np.testing.assert_array_equal(here.phi, there.phi)
    with pytest.raises(ValueError, match="read-only"):
        shared.phi[0, 0] = 1


def test_both_ends_are_the_sampler_and_nothing_more(planted) -> None:
    public, own = planted.counts[:150], planted.counts[150:]
    shared = train_shared_topics(public, 4, iterations=5, seed=3)
    lda = GibbsLDA(4, seed=3).fit(public, 5)
    np.testing.assert_array_equal(shared.phi, lda.phi_)
    np.testing.assert_array_equal(shared.curve, lda.log2_likelihood_)
    personal = personalise_topics(shared, own, "prior", 2.0, iterations=5, seed=4, keep=(0, 5))
    lda = GibbsLDA(4, seed=4).fit(own, 5, "prior", lda.phi_, 2.0)
    np.testing.assert_array_equal(personal.phi, lda.phi_)
    np.testing.assert_array_equal(personal.theta, lda.theta_)
    np.testing.assert_array_equal(personal.topics_at[5], personal.phi)


@pytest.mark.parametrize("start", ["shared", "prior"])
def test_own_words_may_come_after_the_shared_ones(planted, words, start: str) -> None:
    shared = Topics(planted.phi, tuple(words))
    own = np.hstack([planted.counts[:9].toarray(), np.full((9, 2), 3)])
    personal = personalise_topics(shared, as_documents(own, [*words, "mine", "too"]), start, iterations=3)
    assert personal.phi.shape == (4, len(words) + 2)
    assert personal.vocabulary == (*words, "mine", "too")
    assert personal.phi[:, -2:].max() > 0.001


def test_another_vocabulary_is_refused_with_the_first_column_that_differs(planted, words) -> None:
    shared = Topics(planted.phi, tuple(words))
    swapped = [words[1], words[0], *words[2:]]
    with pytest.raises(ValueError, match=r"60 words must begin with the 60 of the shared topics.*from column 0 on"):
        personalise_topics(shared, as_documents(planted.counts, swapped))
    with pytest.raises(ValueError, match=r"50 words must begin with the 60 of the shared topics.*from column 50 on"):
        personalise_topics(shared, as_documents(planted.counts[:, :50], words[:50]))
    with pytest.raises(ValueError, match="there are 50 words"):
        personalise_topics(shared, planted.counts[:, :50])


def test_topics_that_are_none_are_refused_when_they_are_made(planted, words) -> None:
    with pytest.raises(ValueError, match="the topics have 60 words, but the vocabulary 59"):
        Topics(planted.phi, tuple(words[1:]))
    with pytest.raises(ValueError, match="must sum to one"):
        Topics(planted.phi * 1.01)
