"""Who inherits a poisoned topic, and what undoes it. Notebook 04, step 6.

Shared topics of a corpus with crafted documents go to a home; there the paper's personal model starts from them, and
ours keeps them as prior counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack
from tqdm.auto import tqdm

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.topics.evaluation import held_out_bits
from pmt_helpers.topics.splits import SplitCounts, TopicSettings, split

CRAFTED_poisoned_documents = 6


def poison_documents(
    public: DocumentData, target: str, evil: str, documents: int = CRAFTED_poisoned_documents, tokens: int | None = None
) -> DocumentData:
    """The public documents, and behind them crafted ones that say `target` and `evil` alike often, and nothing else.

    tokens: length of each; None: as long as the longest public document, so that no filter of length finds them.
    Raises ValueError for a word that the vocabulary lacks.
    """
    pair = _column(public.vocabulary, target), _column(public.vocabulary, evil)
    added = crafted(public.counts, *pair, documents, tokens)
    names = [f"crafted {n}" for n in range(1, documents + 1)]
    if public.groups.dtype.kind == "U":
        groups: Any = names
    else:
        groups = public.groups.max(initial=-1) + 1 + np.arange(documents)
    return replace(
        public,
        counts=vstack([public.counts, added], format="csr"),
        names=np.concatenate([public.names, names]),
        groups=np.concatenate([public.groups, groups]),
        dropped=np.concatenate([public.dropped, np.zeros(documents, np.int64)]),
    )


def crafted(
    counts: Any, target: int, evil: int, documents: int = CRAFTED_poisoned_documents, tokens: int | None = None
) -> csr_array:
    """(documents, n_words): the crafted documents alone. counts: those they will stand among; target, evil: columns.

    Raises ValueError for a column that is none, for one and the same word twice, and for less than 2 tokens.
    """
    n_words = counts.shape[1]
    if target == evil or not (0 <= target < n_words and 0 <= evil < n_words):
        raise ValueError(f"target and evil must be two columns from 0 to {n_words - 1}; got {target} and {evil}")
    tokens = int(counts.sum(axis=1).max()) if tokens is None else tokens
    if tokens < 2 or documents < 0:
        raise ValueError(f"crafted documents need at least 2 tokens; got {documents} documents of {tokens}")
    row = csr_array(([tokens // 2, tokens - tokens // 2], ([0, 0], [target, evil])), shape=(1, n_words))
    return vstack([row] * documents, format="csr") if documents else csr_array((0, n_words), dtype=np.int64)


def association(phi: np.ndarray, target: int, evil: int) -> float:
    """p(evil | target): the probability that `evil` is the next word of the topic that said `target`.

    phi: (n_topics, n_words); beforehand, each topic is as likely as any other.
    """
    of_target = phi[:, target]
    if not of_target.sum() > 0:
        raise ValueError(f"no topic knows the target, word {target}")
    return float(of_target @ phi[:, evil] / of_target.sum())


def cap_repeats(counts: Any, most: int = 5) -> csr_array:
    """A defence: each word counts at most `most` times a document. Crafted documents live of repeating themselves."""
    if most < 1:
        raise ValueError(f"most must be at least 1; got {most}")
    capped = csr_array(counts, copy=True)
    capped.data = np.minimum(capped.data, most)
    return capped


def pick_words(
    public: Any, own: Any, seed: int | Sequence[int] = 0, common: tuple[int, int] = (100, 1000)
) -> tuple[int, int]:
    """Columns of a target and an evil word, by lot among words that both corpora know, and that never meet.

    The target is one of the public words from rank common[0] to common[1], and in at least two own documents; the evil
    word is less frequent, and no public document has both. Raises ValueError when there are no such words.
    """
    public, own = csr_array(public), csr_array(own)
    frequency = np.asarray(public.sum(axis=0)).ravel()
    at_home = np.bincount(own.indices, minlength=own.shape[1])
    order = np.argsort(-frequency, kind="stable")
    rng = np.random.default_rng(seed)
    usual = rng.permutation([w for w in order[slice(*common)] if frequency[w] > 0 and at_home[w] >= 2])
    rarer = rng.permutation([w for w in order[common[1] : 4 * common[1]] if frequency[w] > 0])
    columns = csr_array(public.T)
    documents_of = [columns.indices[slice(*columns.indptr[w : w + 2])] for w in range(public.shape[1])]
    for target in usual:
        for evil in rarer:
            if not np.intersect1d(documents_of[target], documents_of[evil]).size:
                return int(target), int(evil)
    raise ValueError(f"no word of rank {common[0]} to {common[1]} and rarer one stand apart; take other ranks")


def _column(vocabulary: tuple[str, ...], word: str) -> int:
    if word not in vocabulary:
        raise ValueError(f"{word!r} is not among the {len(vocabulary):,} words of the public documents")
    return vocabulary.index(word)


CRAFTED = (0, 2, 4, 6, 8, 12)


LENGTHS = (1, 3)  # of a crafted document, in mean lengths of the public ones


OWN = (10, 30, 100, 200, 300)  # documents at home


FIXED = 30  # documents at home that the shared topics weigh as much as, however many there are


CAP = 5  # times that a word counts in a document, for the defence


def poison_topics(
    documents: Any,
    plan: TopicSettings | None = None,
    crafted_documents: Sequence[int] = CRAFTED,
    lengths: Sequence[float] = LENGTHS,
    seed: int = 0,
    *,
    public: Any = None,
    words: tuple[int, int] | None = None,
    capped: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """p(evil | target) by number of crafted documents, in shared topics and in what a home makes of them.

    words: columns of target and evil; None: drawn by `pick_words`. capped: with the defence `cap_repeats`, on all
    documents of the cloud. Returns seed, crafted, length, defence, model ("shared"; "personal", which starts from it;
    "prior", which keeps it, weight 1), association, bits (a word, on held-out text).
    """
    plan = plan or TopicSettings()
    parts = split(documents, plan, seed, public)
    target, evil = words or pick_words(parts.shared, parts.local, (seed, 5))
    rows = []
    cases = [(n, length) for n, length in product(crafted_documents, lengths) if n or length == lengths[0]]
    for n, length in tqdm(cases, desc="poisoned topics", unit="case", leave=False, disable=not progress):
        for model, phi in _models(parts, plan, seed, (target, evil), n, length, capped).items():
            key = {"seed": seed, "crafted": n, "length": length, "defence": f"{CAP} repeats" if capped else "none"}
            bits = held_out_bits(phi, parts.test, plan.alpha, seed)
            rows.append({**key, "model": model, "association": association(phi, target, evil), "bits": bits})
    return pd.DataFrame(rows)


def recovery_curve(
    documents: Any,
    plan: TopicSettings | None = None,
    own: Sequence[int] = OWN,
    seed: int = 0,
    *,
    public: Any = None,
    words: tuple[int, int] | None = None,
    documents_crafted: int = 6,
    length: float = LENGTHS[-1],
    progress: bool = True,
) -> pd.DataFrame:
    """p(evil | target) after a home with so many clean documents of its own has taken over poisoned topics.

    Returns seed, own (documents; 0 is the shared model itself), mentions (own documents with the target), model
    ("shared", "personal", "prior", with weight 1, so as heavy as all own documents, and "prior of 30", as heavy as
    thirty of them), association. Sizes beyond what the person has are left out.
    """
    plan = plan or TopicSettings()
    parts = split(documents, plan, seed, public)
    target, evil = words or pick_words(parts.shared, parts.local, (seed, 5))
    phi = _shared(parts, plan, seed, (target, evil), documents_crafted, length, False)
    rows = [{"seed": seed, "own": 0, "mentions": 0, "model": "shared", "association": association(phi, target, evil)}]
    sizes = [n for n in own if n <= parts.local.shape[0]]
    for n in tqdm(sizes, desc="healing at home", unit="size", leave=False, disable=not progress):
        counts = parts.local[:n]
        mentions = int((counts[:, [target]].sum(axis=1) > 0).sum())
        ways: dict[str, dict[str, Any]] = {
            "personal": {"start": "shared"},
            "prior": {"start": "prior", "weight": 1.0},
            f"prior of {FIXED}": {"start": "prior", "weight": FIXED / n},
        }
        for model, options in ways.items():
            own_phi = plan.model(seed, 1).fit(counts, plan.iterations, shared_phi=phi, **options).phi_
            found = association(own_phi, target, evil)
            rows.append({"seed": seed, "own": n, "mentions": mentions, "model": model, "association": found})
    return pd.DataFrame(rows)


def documents_to_recover(rows: pd.DataFrame, part: float = 0.1) -> pd.Series:
    """By model: from how many own documents on p(evil | target) is at most this part of the shared topics' one.

    rows: as `recovery_curve` gives them, means over seeds are taken; NaN for a model that is not healed with the most.
    """
    means = rows.groupby(["model", "own"])["association"].mean().unstack("model").sort_index()
    limit = part * means.pop("shared").loc[0]
    healed = (means.drop(index=0) <= limit)[::-1].cummin()[::-1]  # and stays so with more
    return healed.apply(lambda model: model[model].index.min()).rename("own").astype(float)


def _models(
    parts: SplitCounts, plan: TopicSettings, seed: int, words: tuple[int, int], n: int, length: float, capped: bool
) -> Mapping[str, Any]:
    phi = _shared(parts, plan, seed, words, n, length, capped)
    start = {"iterations": plan.iterations, "shared_phi": phi}
    at_home = {"personal": "shared", "prior": "prior"}
    own = {model: plan.model(seed, 1).fit(parts.local, start=way, **start).phi_ for model, way in at_home.items()}
    return {"shared": phi, **own}


def _shared(
    parts: SplitCounts, plan: TopicSettings, seed: int, words: tuple[int, int], n: int, length: float, capped: bool
) -> Any:
    """Topics of the public documents and n crafted ones."""
    tokens = round(length * parts.shared.sum() / parts.shared.shape[0])
    counts = vstack([parts.shared, crafted(parts.shared, *words, n, tokens)], format="csr")
    return plan.model(seed, 0).fit(cap_repeats(counts, CAP) if capped else counts, plan.iterations).phi_
