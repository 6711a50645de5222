"""How heavy the shared topics should be: the weight c of the prior, chosen on the person's own text. Notebook 03.

No test document is looked at. The person's documents are cut into folds; for each fold and weight, the model is fitted
on the other folds, and what counts is how well it predicts the words of this one.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from tqdm.auto import tqdm

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.topics.evaluation import held_out_bits
from pmt_helpers.topics.gibbs import Fit, fit_many
from pmt_helpers.topics.personal import TopicModel, Topics, extend_vocabulary
from pmt_helpers.topics.splits import TopicSettings

WEIGHTS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
FOLDS = 5


class Choice(NamedTuple):
    """The weight chosen, and what it was chosen by: fold, weight, bits."""

    weight: float
    bits: pd.DataFrame


def choose_prior_weight(
    shared: TopicModel | Topics, documents: DocumentData, weights: Sequence[float] = WEIGHTS,
    *, settings: TopicSettings | None = None, folds: int = FOLDS, seed: int = 0, threads: int = 1,
) -> Choice:  # fmt: skip
    """Choose the weight for `personalise_topics(shared, documents, "prior", weight)` on these documents alone.

    settings, folds, seed, threads: as for `validation_bits`. Raises ValueError for documents of only one group.
    """
    topics = shared.topics if isinstance(shared, TopicModel) else shared
    phi = extend_vocabulary(topics, documents.vocabulary)
    bits = validation_bits(
        phi, documents.counts, weights, groups=documents.groups, settings=settings, folds=folds, seed=seed,
        threads=threads, progress=True,
    )  # fmt: skip
    return Choice(best_weight(bits), bits)


def best_weight(bits: pd.DataFrame) -> float:
    """The weight with the highest mean over the folds; of equals the smallest. bits: fold, weight, bits."""
    means = bits.groupby("weight")["bits"].mean()
    return float(means.index[int(means.to_numpy().argmax())])


def validation_bits(
    phi: np.ndarray, counts: csr_array | Any, weights: Sequence[float] = WEIGHTS,
    *, groups: np.ndarray | None = None, settings: TopicSettings | None = None, folds: int = FOLDS, seed: int = 0,
    threads: int = 1, progress: bool = False,
) -> pd.DataFrame:  # fmt: skip
    """Bits per word on each fold of the person's documents, by a model of the other folds: fold, weight, bits.

    Parameters
    ----------
    phi: (n_topics, n_words), the shared topics.
    groups: documents of one group stay in one fold, so there are no more folds than groups.
    settings: alpha, beta and iterations; its numbers of documents do not matter.
    """
    settings = settings or TopicSettings(n_topics=len(phi))
    _, group = np.unique(np.arange(counts.shape[0]) if groups is None else groups, return_inverse=True)
    folds = min(folds, int(group.max()) + 1)
    if folds < 2:
        raise ValueError(f"{counts.shape[0]} documents in {folds} group cannot be cut into parts; choosing needs two")
    fold_of = (np.random.default_rng(seed).permutation(group.max() + 1) % folds)[group]
    fits = {}
    for fold, weight in product(range(folds), weights):
        options = {"iterations": settings.iterations, "start": "prior", "shared_phi": phi, "weight": weight}
        fits[fold, weight] = Fit(settings.model(seed, 2, fold), counts[fold_of != fold], options)
    rows = []
    fitted = zip(fits, fit_many(fits.values(), threads=threads), strict=True)
    bar = tqdm(fitted, "choosing the prior's weight", len(fits), unit="fit", leave=False, disable=not progress)
    for (fold, weight), lda in bar:
        rows.append((fold, weight, held_out_bits(lda.phi_, counts[fold_of == fold], settings.alpha, seed)))
    return pd.DataFrame(rows, columns=["fold", "weight", "bits"])
