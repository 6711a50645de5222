"""Published topics tell how often each word was written, exactly; what hides it, and what only seems to."""

import numpy as np
import pytest

from pmt_helpers.attacks.publishing import RELEASES, Published, publish, recovered_share
from pmt_helpers.attacks.vocabulary import recover_word_counts
from pmt_helpers.datasets import load_documents
from pmt_helpers.topics import GibbsLDA


@pytest.fixture(scope="module")
def news():
    """A hundred private documents, and topics of them."""
    counts = load_documents("news").counts[:100]
    return counts, GibbsLDA(seed=1).fit(counts, 10).phi_


def written(counts) -> np.ndarray:
    return np.asarray(counts.sum(axis=0)).ravel()


@pytest.mark.parametrize("seed", range(5))
def test_every_count_is_recovered_and_known_to_be_exact(seed: int) -> None:
    counts = load_documents("news").counts[seed * 40 : seed * 40 + 100]
    lda = GibbsLDA(seed=seed).fit(counts, 5)
    found = recover_word_counts(lda.phi_)
    np.testing.assert_array_equal(found.by_word, written(counts))
    assert found.exact
    topics = np.bincount(lda.topics_, minlength=20)
    np.testing.assert_array_equal(found.counts.sum(axis=1), topics)  # and how many tokens each topic has


@pytest.mark.parametrize("beta", [0.01, 0.1, 0.37, 2.0])
@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_beta_need_not_be_told(news, beta: float, kind: str) -> None:
    counts, _ = news
    phi = GibbsLDA(beta=beta, seed=3).fit(counts, 3).phi_.astype(kind)
    found = recover_word_counts(phi, None)
    assert found.beta == pytest.approx(beta, rel=1e-5)
    assert found.exact
    np.testing.assert_array_equal(found.by_word, written(counts))


@pytest.mark.parametrize("way", ["float32", "float16", "6 decimals", "5 decimals", "4 decimals"])
def test_fewer_digits_hide_nothing(news, way: str) -> None:
    counts, phi = news
    found = recover_word_counts(publish(phi, counts, way).phi)
    assert found.exact
    np.testing.assert_array_equal(found.by_word, written(counts))


def test_decimals_hide_counts_only_where_a_topic_is_larger_than_they_can_tell(news) -> None:
    counts, phi = news
    size = 0.1 / phi.min(axis=1)  # tokens, and the prior of all words: below a thousand here
    assert size.max() < 1000
    assert recover_word_counts(publish(phi, counts, "3 decimals").phi).exact
    hidden = recover_word_counts(phi.round(2))
    assert not hidden.exact
    assert not hidden.determined.any()
    assert not hidden.by_word.any()


def test_a_count_that_is_called_certain_is_right_in_whatever_way_it_was_published(news) -> None:
    counts, phi = news
    true = recover_word_counts(phi).counts
    for way in RELEASES:
        shown = publish(phi, counts, way, seed=2)
        found = recover_word_counts(shown.phi, precision=shown.precision)
        certain = found.determined & (found.uncertainty == 0)
        np.testing.assert_array_equal(found.counts[certain], true[:, shown.columns][certain], err_msg=way)


def test_ten_top_words_and_one_topic_without_a_missing_word_give_themselves_away_too(news) -> None:
    counts, phi = news
    assert recover_word_counts(publish(phi, counts, "10 top words").phi).determined.sum() >= 10 * 20
    common = counts[:, np.argsort(-written(counts))[:30]]
    one = GibbsLDA(1, seed=0).fit(common, 1).phi_
    found = recover_word_counts(one)
    assert found.exact
    np.testing.assert_array_equal(found.by_word, written(common))


def test_noise_of_a_hundredth_leaves_nearly_all_words_readable(news) -> None:
    counts, phi = news
    leaked = {way: recovered_share(publish(phi, counts, way), phi) for way in ("all digits", "1% noise")}
    assert leaked["all digits"] == {"words": 1, "counts": 1, "tokens": 1, "exact": 1}
    assert 0.9 < leaked["1% noise"]["words"] < 1
    nothing = recovered_share(Published(phi.round(2), np.arange(phi.shape[1])), phi)
    assert nothing == {"words": 0, "counts": 0, "tokens": 0, "exact": 0}
    naive = recover_word_counts(publish(phi, counts, "1% noise").phi)  # who does not know of the noise
    assert not naive.determined.any()


def test_leaving_out_rare_words_hides_them_and_nothing_else(news) -> None:
    counts, phi = news
    shown = publish(phi, counts, "words of 3 documents")
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    assert (documents[shown.columns] >= 3).all()
    found = recover_word_counts(shown.phi)
    assert found.exact
    np.testing.assert_array_equal(found.by_word, written(counts)[shown.columns])
    part = recover_word_counts(phi[:, shown.columns])  # the same without scaling the rows anew
    np.testing.assert_array_equal(part.counts, found.counts)


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
        (np.array([[0.25, 0.75]]), None, "give it"),
    ],
)
def test_what_is_no_published_topic_is_named(phi: np.ndarray, beta: float | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recover_word_counts(phi, beta)


def test_an_unknown_way_to_publish_is_named_with_those_there_are(news) -> None:
    counts, phi = news
    with pytest.raises(ValueError, match=r"unknown way to publish 'in a whisper'.*3 decimals"):
        publish(phi, counts, "in a whisper")
