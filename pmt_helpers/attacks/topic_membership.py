"""Was this document in the corpus? Asked of nothing but the published topics. Notebook 05, step 2.

Three attacks. By likelihood: topics predict the documents they were made of better than others (Yeom et al. 2018, for
losses). Calibrated: some documents are easy for any topics, so only what these topics predict better than others
counts; the attacker needs topics of their own, such as the public ones. By words: whoever reads the word counts out of
the topics (`vocabulary`) sees at once that a document with a word that nobody wrote was not there.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from pmt_helpers.attacks.publishing import Published
from pmt_helpers.attacks.roc import compare_attacks, log_roc_curve, tpr_at_fpr
from pmt_helpers.attacks.vocabulary import recover_word_counts
from pmt_helpers.topics.evaluation import infer_theta
from pmt_helpers.topics.validation import check_counts, check_positive

THETA_STEPS = 20  # more change no AUC in the third decimal
TIE_BREAK = 1e-9  # a bit of likelihood beside a share of words: it decides between equal ones only
UNSEEN_SHARE = 0.1  # of the smallest probability published: what a probability rounded to 0 counts as


def document_scores(
    published: Published | np.ndarray,
    counts: Any,
    *,
    reference: np.ndarray | None = None,
    alpha: float = 2.5,
    beta: float = 0.1,
) -> dict[str, np.ndarray]:
    """How much each document looks like one of those the topics were trained on; (n_docs,) each, higher is likelier.

    Words that are not published count for nothing, and a document without others gets the median.

    Parameters
    ----------
    published : topics, or a `Published`
    counts : (n_docs, n_words), over all words
    reference : (n_topics, n_words), topics that never saw these documents

    Returns
    -------
    "likelihood" (bits per word), "calibrated" (bits per word above the reference; only with one) and "words" (share of
    a document's words that were written at least as often as it has them, likelier documents first among equals; only
    where the topics give their counts away).
    """
    check_positive(alpha=alpha, beta=beta)
    if not isinstance(published, Published):
        published = Published(np.asarray(published), np.arange(np.shape(published)[-1]))
    counts = check_counts(counts)
    if published.columns.max() >= counts.shape[1]:
        raise ValueError(f"the topics have column {published.columns.max()}, the counts {counts.shape[1]} words only")
    counts = counts[:, published.columns]
    scores = {"likelihood": bits_per_word(published.phi, counts, alpha)}
    if reference is not None:
        above = scores["likelihood"] - bits_per_word(reference[:, published.columns], counts, alpha)
        scores["calibrated"] = np.round(above, 9)  # so that rounding tells nothing either
    read = recover_word_counts(published.phi, beta, precision=published.precision)
    if read.determined.all():
        most = (read.counts + (read.uncertainty + 1) // 2).sum(axis=0)
        fits = counts.copy()
        fits.data = (counts.data <= most[counts.indices]).astype(float)
        distinct = np.diff(counts.indptr)
        written = np.where(distinct > 0, fits.sum(axis=1) / np.maximum(distinct, 1), np.nan)
        scores["words"] = written + TIE_BREAK * scores["likelihood"]
    return {name: np.where(np.isnan(score), np.nanmedian(score), score) for name, score in scores.items()}


def attack_topics(
    published: Published | np.ndarray,
    members: Any,
    others: Any,
    *,
    reference: np.ndarray | None = None,
    alpha: float = 2.5,
    beta: float = 0.1,
    intervals: bool = True,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How well each attack tells documents that were in the corpus from others; a table and ROC curves.

    Parameters
    ----------
    members, others : counts (documents x words), best drawn at random from one collection: else an attack is praised
        for telling two collections apart
    intervals : whether to bootstrap over documents

    Returns
    -------
    Table: attack, auc, tpr (at 1% false alarms), and with intervals auc_low, auc_high, tpr_low, tpr_high (95%).
    Curves: attack, fpr, tpr, thinned for log axes.
    """
    both = [
        document_scores(published, counts, reference=reference, alpha=alpha, beta=beta) for counts in (members, others)
    ]
    member = np.repeat([True, False], [len(scores["likelihood"]) for scores in both])
    scores = {name: np.concatenate([part[name] for part in both]) for name in both[0]}
    if intervals:
        return compare_attacks(member, scores, np.arange(len(member)), seed)
    table = [(name, roc_auc_score(member, values), tpr_at_fpr(member, values)) for name, values in scores.items()]
    curves = [log_roc_curve(member, values).assign(attack=name) for name, values in scores.items()]
    return pd.DataFrame(table, columns=["attack", "auc", "tpr"]), pd.concat(curves, ignore_index=True)


def bits_per_word(phi: np.ndarray, counts: Any, alpha: float = 2.5) -> np.ndarray:
    """(n_docs,): mean log2 probability of a document's own words, its topics inferred from the same words.

    Probabilities of 0 are taken as a tenth of the smallest other; NaN for a document without words.
    """
    phi = np.asarray(phi, np.float64)
    phi = np.maximum(phi, UNSEEN_SHARE * phi[phi > 0].min())
    phi = phi / phi.sum(axis=1, keepdims=True)
    counts = check_counts(counts)
    theta = infer_theta(phi, counts, alpha, iterations=THETA_STEPS)
    docs = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    bits = np.zeros(len(docs))
    for first in range(0, len(docs), 2**18):  # in blocks: at once it would take n_topics numbers per entry
        block = slice(first, first + 2**18)
        bits[block] = np.log2(np.einsum("ik,ki->i", theta[docs[block]], phi[:, counts.indices[block]]))
    lengths = counts.sum(axis=1)
    sums = np.bincount(docs, bits * counts.data, minlength=counts.shape[0])
    return np.divide(sums, lengths, out=np.full(len(lengths), np.nan), where=lengths > 0)
