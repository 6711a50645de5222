"""People who write about one thing (paper, section IV-D and Figure 6): does a shared model of everything help them?

The paper took ten topics of Wikipedia and 500 articles of each. Here a reference model finds ten topics in documents
that the cloud does not have, and each person owns those whose largest topic is theirs. Notebook 03.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.topics.gibbs import Fit, GibbsLDA
from pmt_helpers.topics.protocol import SEEDS, fit_each, likelihood_curve, shared_models, starting_from
from pmt_helpers.topics.splits import SplitCounts, TopicSettings, split

N_USERS = 10
REFERENCE_PRIORS = {"alpha": 0.5, "beta": 0.1}  # few topics per document, so that people differ
MIN_DOCUMENTS = 5  # that a person needs


def figure_6(
    documents: DocumentData | Any, settings: TopicSettings | None = None, seeds: Sequence[int] = SEEDS,
    n_users: int = N_USERS,
) -> pd.DataFrame:  # fmt: skip
    """Likelihood curves of people with one topic each.

    Returns seed, person, documents, share, model ("local", "personal"), iteration, log2_likelihood. share: of the
    person's tokens, what the reference model gives to their topic. A topic which is the largest of fewer than five
    documents has no person. n_local does not count: all but the public documents are given out.
    """
    settings = settings or TopicSettings()
    parts = {seed: split(documents, settings, seed) for seed in seeds}
    shared = shared_models(parts, settings)
    fits, documents_and_share = {}, {}
    for seed in seeds:
        counts, topic, share = single_topic_users(parts[seed], n_users, seed)
        for person in range(n_users):
            own = topic == person
            if own.sum() < MIN_DOCUMENTS:
                continue
            tokens = np.asarray(counts[own].sum(axis=1)).ravel()
            documents_and_share[seed, person] = int(own.sum()), float(np.average(share[own], weights=tokens))
            for model, start in (("local", {}), ("personal", starting_from(shared[seed, 100]))):
                options = {"iterations": settings.iterations, **start}
                fits[seed, person, model] = Fit(settings.model(seed, 1), counts[own], options)
    curves = []
    for (seed, person, model), lda in fit_each(fits):
        n_docs, mean_share = documents_and_share[seed, person]
        key = {"seed": seed, "person": person, "documents": n_docs, "share": mean_share, "model": model}
        curves.append(likelihood_curve(lda, **key))
    return pd.concat(curves, ignore_index=True)


def single_topic_users(parts: SplitCounts, n_users: int, seed: int) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """All documents but the public ones, the largest topic of each, and that topic's share of it."""
    counts = vstack([parts.local, parts.test], format="csr")
    reference = GibbsLDA(n_users, **REFERENCE_PRIORS, seed=(seed, 3)).fit(counts, 2 * TopicSettings.iterations)
    return counts, reference.theta_.argmax(axis=1), reference.theta_.max(axis=1)


def improvement(curves: pd.DataFrame, first: int = 1, last: int = 10) -> pd.Series:
    """By seed and person: how much nearer to zero the personal likelihood is than the local one, as a fraction of it.

    Mean over the iterations from first to last, as in the paper (section IV-D).
    """
    early = curves[curves["iteration"].between(first, last)]
    if early.empty:
        raise ValueError(f"curves have no iteration from first={first} to last={last}")
    table = early.pivot(index=["seed", "person", "iteration"], columns="model", values="log2_likelihood")
    return (table["personal"] / table["local"]).rsub(1).groupby(["seed", "person"]).mean().rename("improvement")


def local_after(curves: pd.DataFrame, iteration: int) -> pd.Series:
    """By seed and person: the likelihood that their local model reaches after `iteration` iterations."""
    local = curves[(curves["model"] == "local") & (curves["iteration"] == iteration)]
    return local.set_index(["seed", "person"])["log2_likelihood"]


def saving(curves: pd.DataFrame, target: float | pd.Series) -> pd.Series:
    """By seed and person: the fraction of iterations that the personal model saves on the way to a likelihood.

    target: the same for all, or one per person, as `local_after` gives. NaN where the local model does not reach it;
    minus infinity where only the personal one does not: it never gets there.
    """
    lines = curves.pivot(index=["seed", "person"], columns=["model", "iteration"], values="log2_likelihood")
    wanted = target.reindex(lines.index).to_numpy() if isinstance(target, pd.Series) else np.full(len(lines), target)
    local, personal = (_first_reaching(lines[model].to_numpy(), wanted) for model in ("local", "personal"))
    with np.errstate(invalid="ignore"):
        saved = np.where(np.isfinite(local), 1 - personal / local, np.nan)
    return pd.Series(saved, lines.index, name="saving")


def _first_reaching(lines: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The first iteration, counted from 1, at which each line is at least what is wanted; infinity for never."""
    reached = lines >= wanted[:, None]
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)
