"""People who write about one thing (paper, section IV-D and Figure 6): does a shared model of everything help them?

The paper took ten topics of Wikipedia and 500 articles of each. Here a reference model finds ten topics in documents
that the cloud does not have, and each person owns those whose largest topic is theirs. Notebook 03, step 6.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import vstack

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.topics.gibbs import Fit, GibbsLDA
from pmt_helpers.topics.protocol import SEEDS, fitted, shared_models, starting_from
from pmt_helpers.topics.splits import SplitCounts, TopicSettings, split

N_USERS = 10


REFERENCE_PRIORS = {"alpha": 0.5, "beta": 0.1}  # of the reference model: few topics a document, so that people differ


MIN_DOCUMENTS = 5  # documents a person needs


def figure_6(
    documents: DocumentData,
    plan: TopicSettings | None = None,
    seeds: Sequence[int] = SEEDS,
    people: int = N_USERS,
    *,
    threads: int = 1,
    progress: bool = True,
) -> pd.DataFrame:
    """Likelihood curves of people with one topic each.

    Returns seed, person, documents, share, model ("local", "personal"), iteration, log2_likelihood. share: of the
    person's tokens, what the reference model gives to their topic. A topic which is the largest of fewer than five
    documents has no person. plan.n_local does not count: all but the public documents are given out.
    """
    plan = plan or TopicSettings()
    parts = {seed: split(documents, plan, seed) for seed in seeds}
    shared = shared_models(parts, plan, threads=threads, progress=progress)
    fits, who = {}, {}
    for seed in seeds:
        counts, topic, share = single_topic_users(parts[seed], people, seed)
        for person in range(people):
            own = topic == person
            if own.sum() < MIN_DOCUMENTS:
                continue
            weight = np.asarray(counts[own].sum(axis=1)).ravel()
            who[seed, person] = int(own.sum()), float(np.average(share[own], weights=weight))
            for model, start in (("local", {}), ("personal", starting_from(shared[seed, 100]))):
                options = {"iterations": plan.iterations, **start}
                fits[seed, person, model] = Fit(plan.model(seed, 1), counts[own], options)
    frames = []
    for (seed, person, model), lda in zip(fits, fitted(fits, "at home", threads, progress), strict=True):
        n_docs, share = who[seed, person]
        key = {"seed": seed, "person": person, "documents": n_docs, "share": share, "model": model}
        curve = {"iteration": np.arange(1, plan.iterations + 1), "log2_likelihood": lda.log2_likelihood_}
        frames.append(pd.DataFrame({**key, **curve}))
    return pd.concat(frames, ignore_index=True)


def single_topic_users(parts: SplitCounts, people: int, seed: int) -> tuple:
    """All documents but the public ones, the largest topic of each, and that topic's share of it."""
    counts = vstack([parts.local, parts.test], format="csr")
    reference = GibbsLDA(people, **REFERENCE_PRIORS, seed=(seed, 3)).fit(counts, 2 * TopicSettings.iterations)
    return counts, reference.theta_.argmax(axis=1), reference.theta_.max(axis=1)


def improvement(curves: pd.DataFrame, first: int = 1, last: int = 10) -> pd.Series:
    """By seed and person: how much nearer to zero the personal likelihood is than the local one, as a fraction of it.

    Mean over the iterations from first to last, as the paper has it (section IV-D).
    """
    here = curves[curves["iteration"].between(first, last)]
    table = here.pivot(index=["seed", "person", "iteration"], columns="model", values="log2_likelihood")
    return (table["personal"] / table["local"]).rsub(1).groupby(["seed", "person"]).mean().rename("improvement")


def local_after(curves: pd.DataFrame, iteration: int) -> pd.Series:
    """By seed and person: the likelihood that their local model reaches after so many iterations."""
    here = curves[(curves["model"] == "local") & (curves["iteration"] == iteration)]
    return here.set_index(["seed", "person"])["log2_likelihood"]


def saving(curves: pd.DataFrame, target: float | pd.Series) -> pd.Series:
    """By seed and person: the fraction of iterations that the personal model saves on the way to a likelihood.

    target: the same for all, or one each, as `local_after` gives. NaN where the local model does not reach it; minus
    infinity where only the personal one does not: it never gets there.
    """
    lines = curves.pivot(index=["seed", "person"], columns=["model", "iteration"], values="log2_likelihood")
    wanted = target.reindex(lines.index).to_numpy() if isinstance(target, pd.Series) else np.full(len(lines), target)
    local, personal = (_first(lines[model].to_numpy(), wanted) for model in ("local", "personal"))
    with np.errstate(invalid="ignore"):
        saved = np.where(np.isfinite(local), 1 - personal / local, np.nan)
    return pd.Series(saved, lines.index, name="saving")


def _first(lines: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The first iteration, counted from 1, at which each line is at least what is wanted; infinity if none is."""
    reached = lines >= wanted[:, None]
    return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)
