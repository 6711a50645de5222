"""Published topics tell which documents were in the corpus, and attacks are not praised for anything else."""

import numpy as np
import pytest

from pmt_helpers.attacks.publishing import publish
from pmt_helpers.attacks.topic_membership import attack_topics, bits_per_word, document_scores
from pmt_helpers.datasets import load_documents
from pmt_helpers.experiments.topic_attacks import sample_members
from pmt_helpers.topics import GibbsLDA
from pmt_helpers.topics.evaluation import infer_theta


@pytest.fixture(scope="module")
def world():
    """Private documents, others of the same kind, topics of the private ones, and of neither."""
    counts = load_documents("wikipedia").counts
    members, others = sample_members(counts[500:], 100, 0)
    return members, others, GibbsLDA(seed=1).fit(members, 20).phi_, GibbsLDA(seed=0).fit(counts[:500], 20).phi_


def test_every_attack_finds_the_members(world) -> None:
    members, others, phi, reference = world
    table, curves = attack_topics(phi, members, others, reference=reference)
    auc = table.set_index("attack")["auc"]
    assert auc["likelihood"] > 0.9
    assert auc["calibrated"] > 0.85
    assert auc["words"] > 0.99
    assert ((table["auc_low"] <= table["auc"]) & (table["auc"] <= table["auc_high"])).all()
    assert list(curves) == ["attack", "fpr", "tpr"]
    assert curves.groupby("attack")["tpr"].apply(lambda tpr: tpr.is_monotonic_increasing).all()


def test_topics_that_never_saw_them_tell_nothing(world) -> None:
    members, others, _, reference = world
    table, _ = attack_topics(reference, members, others, reference=reference, intervals=False)
    auc = table.set_index("attack")["auc"]
    assert auc["calibrated"] == 0.5
    assert auc.to_numpy() == pytest.approx(0.5, abs=0.07)


def test_three_decimals_hide_counts_but_not_members(world) -> None:
    members, others, phi, _ = world
    shown = publish(phi, members, "3 decimals")
    table, _ = attack_topics(shown, members, others, intervals=False)
    assert list(table["attack"]) == ["likelihood"]  # word counts cannot be read any more
    assert table["auc"].item() > 0.88


def test_common_words_alone_tell_less(world) -> None:
    members, others, phi, _ = world
    auc = {}
    for way in ("all digits", "words of 3 documents", "10 top words"):
        table, _ = attack_topics(publish(phi, members, way), members, others, intervals=False)
        auc[way] = table.set_index("attack")["auc"]["likelihood"]
    assert auc["all digits"] > auc["words of 3 documents"] > auc["10 top words"] > 0.5


def test_bits_are_those_of_the_definition(world) -> None:
    members, _, phi, _ = world
    some = members[:3]
    theta = infer_theta(phi, some, iterations=20)
    words = some.toarray()
    expected = (words * np.log2(theta @ phi)).sum(axis=1) / words.sum(axis=1)
    np.testing.assert_allclose(bits_per_word(phi, some), expected, rtol=1e-9)


def test_a_document_of_unpublished_words_gets_the_median(world) -> None:
    members, _, phi, reference = world
    shown = publish(phi, members, "words of 3 documents")
    rare = members[:10].tolil()
    rare[3, :] = 0
    rare[3, int(np.setdiff1d(np.arange(phi.shape[1]), shown.columns)[0])] = 2
    for name, scores in document_scores(shown, rare.tocsr(), reference=reference).items():
        assert scores[3] == pytest.approx(np.median(np.delete(scores, 3))), name


def test_documents_of_another_vocabulary_are_refused(world) -> None:
    members, _, phi, _ = world
    with pytest.raises(ValueError, match=r"the topics have column .*, the counts 50 words only"):
        document_scores(phi, members[:, :50])
