"""Who inherits a poisoned topic, and what undoes it. Notebook 04.

Crafted documents among the public ones say a target and a payload word, and nothing else. The shared topics go to a
home; there the paper's personal model starts from them, and ours keeps them as prior counts.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack
from tqdm.auto import tqdm

from pmt_helpers.topics.evaluation import held_out_bits
from pmt_helpers.topics.splits import SplitCounts, TopicSettings, split

CRAFTED = (0, 2, 4, 6, 8, 12)
LENGTHS = (1, 3)  # of a crafted document, in mean lengths of the public ones
CRAFTED_AT_HOME = 6  # of the longest, before the home adds documents of its own
OWN = (10, 30, 100, 200, 300)  # documents at home
FIXED = 30  # documents at home that the shared topics weigh as much as, however many there are
CAP = 5  # times that a word counts in a document, for the defence
TARGET_RANKS = (100, 1000)  # by frequency among the public words; the payload is up to four times rarer


def crafted_documents(n_words: int, target: int, payload: int, documents: int, tokens: int) -> csr_array:
    """Documents of `tokens` words that say target and payload (columns) alike often; (documents, n_words) counts.

    Raises ValueError for an invalid column, for one and the same word twice, and for less than 2 tokens.
    """
    if target == payload or not (0 <= target < n_words and 0 <= payload < n_words):
        raise ValueError(f"target and payload must be two columns from 0 to {n_words - 1}; got {target} and {payload}")
    if tokens < 2 or documents < 0:
        raise ValueError(f"crafted documents need at least 2 tokens; got {documents} documents of {tokens}")
    row = csr_array(([tokens // 2, tokens - tokens // 2], ([0, 0], [target, payload])), shape=(1, n_words))
    return vstack([row] * documents, format="csr") if documents else csr_array((0, n_words), dtype=np.int64)


def association(phi: np.ndarray, target: int, payload: int) -> float:
    """p(payload | target): the probability that `payload` is the next word of the topic that said `target`.

    phi: (n_topics, n_words); beforehand, each topic is as likely as any other.
    """
    of_target = phi[:, target]
    if not of_target.sum() > 0:
        raise ValueError(f"no topic contains the target, word {target}")
    return float(of_target @ phi[:, payload] / of_target.sum())


def cap_repeats(counts: Any, most: int = CAP) -> csr_array:
    """A defence: each word counts at most `most` times per document, since crafted documents repeat themselves."""
    if most < 1:
        raise ValueError(f"most must be at least 1; got {most}")
    capped = csr_array(counts, copy=True)
    capped.data = np.minimum(capped.data, most)
    return capped


def pick_words(public: Any, own: Any, seed: int | Sequence[int] = 0) -> tuple[int, int]:
    """Columns of a target and a payload, drawn at random among words that both corpora know, and that never meet.

    The target is one of the public words of TARGET_RANKS, and in at least two own documents; the payload is less
    frequent, and no public document has both. Raises ValueError when there are no such words.
    """
    public, own = csr_array(public), csr_array(own)
    first, last = TARGET_RANKS
    frequency = np.asarray(public.sum(axis=0)).ravel()
    own_documents = np.bincount(own.indices, minlength=own.shape[1])
    order = np.argsort(-frequency, kind="stable")
    rng = np.random.default_rng(seed)
    targets = rng.permutation([word for word in order[first:last] if frequency[word] > 0 and own_documents[word] >= 2])
    payloads = rng.permutation([word for word in order[last : 4 * last] if frequency[word] > 0])
    columns = csr_array(public.T)
    documents_of = [columns.indices[slice(*columns.indptr[word : word + 2])] for word in range(public.shape[1])]
    for target, payload in product(targets, payloads):
        if not np.intersect1d(documents_of[target], documents_of[payload]).size:
            return int(target), int(payload)
    raise ValueError(f"every word of rank {first} to {last} shares a document with every rarer one: take other ranks")


def poison_topics(
    documents: Any,
    settings: TopicSettings | None = None,
    crafted: Sequence[int] = CRAFTED,
    lengths: Sequence[float] = LENGTHS,
    seed: int = 0,
    *,
    public: Any = None,
    capped: bool = False,
    progress: bool = True,
) -> pd.DataFrame:
    """p(payload | target) by number of crafted documents, in shared topics and in what a home makes of them.

    capped: with the defence `cap_repeats`, on all documents of the cloud. Returns seed, crafted, length, defence, model
    ("shared"; "personal", which starts from it; "prior", which keeps it, weight 1), association, bits (per word, on
    held-out text).
    """
    settings = settings or TopicSettings()
    parts = split(documents, settings, seed, public)
    words = pick_words(parts.shared, parts.local, (seed, 5))
    rows = []
    cases = [(n, length) for n, length in product(crafted, lengths) if n or length == lengths[0]]
    for n, length in tqdm(cases, desc="poisoned topics", unit="case", leave=False, disable=not progress):
        shared = _train_poisoned(parts, settings, seed, words, n, length, capped)
        models = {"shared": shared}
        for model, start in (("personal", "shared"), ("prior", "prior")):
            at_home = settings.model(seed, 1).fit(parts.local, settings.iterations, start, shared)
            models[model] = at_home.phi_
        key = {"seed": seed, "crafted": n, "length": length, "defence": f"{CAP} repeats" if capped else "none"}
        for model, phi in models.items():
            bits = held_out_bits(phi, parts.test, settings.alpha, seed)
            rows.append({**key, "model": model, "association": association(phi, *words), "bits": bits})
    return pd.DataFrame(rows)


def recovery_curve(
    documents: Any,
    settings: TopicSettings | None = None,
    own: Sequence[int] = OWN,
    seed: int = 0,
    *,
    public: Any = None,
    progress: bool = True,
) -> pd.DataFrame:
    """p(payload | target) by number of clean documents of a home that has taken over poisoned topics.

    Returns seed, own (documents; 0 is the shared model itself), mentions (own documents with the target), model
    ("shared", "personal", "prior", with weight 1, so as heavy as all own documents, and "prior of 30", as heavy as
    thirty of them), association. Sizes beyond what the person has are left out.
    """
    settings = settings or TopicSettings()
    parts = split(documents, settings, seed, public)
    words = pick_words(parts.shared, parts.local, (seed, 5))
    shared = _train_poisoned(parts, settings, seed, words, CRAFTED_AT_HOME, LENGTHS[-1], False)
    rows = [{"seed": seed, "own": 0, "mentions": 0, "model": "shared", "association": association(shared, *words)}]
    sizes = [n for n in own if n <= parts.local.shape[0]]
    for n in tqdm(sizes, desc="recovery at home", unit="size", leave=False, disable=not progress):
        counts = parts.local[:n]
        key = {"seed": seed, "own": n, "mentions": int((counts[:, [words[0]]].sum(axis=1) > 0).sum())}
        starts: dict[str, dict[str, Any]] = {
            "personal": {"start": "shared"},
            "prior": {"start": "prior", "weight": 1.0},
            f"prior of {FIXED}": {"start": "prior", "weight": FIXED / n},
        }
        for model, options in starts.items():
            phi = settings.model(seed, 1).fit(counts, settings.iterations, shared_phi=shared, **options).phi_
            rows.append({**key, "model": model, "association": association(phi, *words)})
    return pd.DataFrame(rows)


def _train_poisoned(
    parts: SplitCounts, settings: TopicSettings, seed: int, words: tuple[int, int], n: int, length: float, capped: bool
) -> np.ndarray:
    """Topics of the public documents and n crafted ones."""
    n_documents, n_words = parts.shared.shape
    tokens = round(length * parts.shared.sum() / n_documents)
    counts = vstack([parts.shared, crafted_documents(n_words, *words, n, tokens)], format="csr")
    return settings.model(seed, 0).fit(cap_repeats(counts) if capped else counts, settings.iterations).phi_
