"""What hides word counts in published topics, and what only seems to."""

import numpy as np
import pytest

from pmt_helpers.attacks.publishing import RELEASES, Published, publish, recovered_share
from pmt_helpers.attacks.vocabulary import recover_word_counts


@pytest.mark.parametrize("way", ["float32", "float16", "6 decimals", "5 decimals", "4 decimals"])
def test_fewer_digits_hide_nothing(news, way: str) -> None:
    counts, phi = news
    found = recover_word_counts(publish(phi, counts, way).phi)
    assert found.exact
    np.testing.assert_array_equal(found.by_word, counts.sum(axis=0))


def test_a_certain_count_is_right_in_every_release(news) -> None:
    counts, phi = news
    true = recover_word_counts(phi).counts
    for way in RELEASES:
        shown = publish(phi, counts, way, seed=2)
        found = recover_word_counts(shown.phi, precision=shown.precision)
        certain = found.determined & (found.uncertainty == 0)
        np.testing.assert_array_equal(found.counts[certain], true[:, shown.columns][certain], err_msg=way)


def test_one_percent_noise_leaves_nearly_all_words_readable(news) -> None:
    counts, phi = news
    leaked = {way: recovered_share(publish(phi, counts, way), phi) for way in ("all digits", "1% noise")}
    assert leaked["all digits"] == {"words": 1, "counts": 1, "tokens": 1, "exact": 1}
    assert 0.9 < leaked["1% noise"]["words"] < 1
    nothing = recovered_share(Published(phi.round(2), np.arange(phi.shape[1])), phi)
    assert nothing == {"words": 0, "counts": 0, "tokens": 0, "exact": 0}
    naive = recover_word_counts(publish(phi, counts, "1% noise").phi)  # who does not know of the noise
    assert not naive.determined.any()


def test_leaving_out_rare_words_hides_only_them(news) -> None:
    counts, phi = news
    shown = publish(phi, counts, "words of 3 documents")
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    assert (documents[shown.columns] >= 3).all()
    found = recover_word_counts(shown.phi)
    assert found.exact
    np.testing.assert_array_equal(found.by_word, counts.sum(axis=0)[shown.columns])
    part = recover_word_counts(phi[:, shown.columns])  # the same without scaling the rows anew
    np.testing.assert_array_equal(part.counts, found.counts)


def test_an_unknown_release_is_named(news) -> None:
    counts, phi = news
    with pytest.raises(ValueError, match=r"unknown way to publish 'in a whisper'.*3 decimals"):
        publish(phi, counts, "in a whisper")
