"""The paper's experiments with topics: Figures 4 and 5, and the same on text nobody trained on. Notebook 03.

For each seed the documents are dealt anew: some are public and train the shared model, some are one person's, the rest
belong to nobody and test. So the seeds differ in documents as well as in draws, and an interval over them holds both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t
from tqdm.auto import tqdm

from pmt_helpers.datasets.document_data import DocumentData
from pmt_helpers.topics.evaluation import held_out_bits
from pmt_helpers.topics.gibbs import ITERATIONS, Fit, GibbsLDA, fit_many

SEEDS = (0, 1, 2, 3, 4, 5)
PERCENTS = (0, 10, 30, 50, 100)
LEVEL = 0.95


@dataclass(frozen=True)
class Plan:
    """How many documents are public, how many one person's, and what model is fitted; NIPS leaves 200 to test."""

    n_shared: int = 1000
    n_local: int = 300
    n_topics: int = 20
    alpha: float = 2.5
    beta: float = 0.1
    iterations: int = ITERATIONS

    def model(self, *seed: int) -> GibbsLDA:
        """An untrained model."""
        return GibbsLDA(self.n_topics, self.alpha, self.beta, seed)


class Dealt(NamedTuple):
    """Row numbers of documents: public ones, one person's, and those of nobody."""

    shared: np.ndarray
    local: np.ndarray
    test: np.ndarray


def split_documents(groups: Sequence | np.ndarray, n_shared: int, n_local: int, seed: int = 0) -> Dealt:
    """Deal documents by lot; those of one group stay together, so a part may exceed its number by part of a group.

    groups: one value a document. Raises ValueError when nothing is left to test on.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    turn = np.random.default_rng(seed).permutation(group.max() + 1)[group]
    order = np.lexsort((np.arange(len(group)), turn))
    begins = np.append(np.flatnonzero(np.diff(turn[order], prepend=-1)), len(order))
    first = int(begins[np.searchsorted(begins, min(n_shared, len(order)))])
    second = int(begins[np.searchsorted(begins, min(first + n_local, len(order)))])
    if n_shared < 1 or n_local < 1 or second == len(order):
        raise ValueError(
            f"{len(order)} documents in {len(begins) - 1} groups cannot be dealt into {n_shared} public and {n_local} "
            "local ones, and some to test on"
        )
    return Dealt(*np.split(order, [first, second]))


def figure_4(
    documents: DocumentData | Any, plan: Plan | None = None, seeds: Sequence[int] = SEEDS, *, threads: int = 1
) -> pd.DataFrame:
    """Log likelihood of the training words by iteration, for the paper's two models.

    Returns seed, model ("local", "personal"), iteration, log2_likelihood; the shared model has all public documents.
    """
    curves = figure_5(documents, plan, (0, 100), seeds, threads=threads)
    curves.insert(1, "model", curves.pop("shared_percent").map({0: "local", 100: "personal"}))
    return curves


def figure_5(
    documents: DocumentData | Any,
    plan: Plan | None = None,
    percents: Sequence[int] = PERCENTS,
    seeds: Sequence[int] = SEEDS,
    *,
    threads: int = 1,
) -> pd.DataFrame:
    """The same for personal models from a part of the public documents.

    Returns seed, shared_percent (0 is the local model), iteration, log2_likelihood.
    """
    plan = plan or Plan()
    counts, dealt = _dealt(documents, plan, seeds)
    shared = _shared_models(counts, plan, dealt, percents, threads)
    fits = {}
    for seed, percent in product(seeds, percents):
        options = {"iterations": plan.iterations, **_start(shared.get((seed, percent)))}
        fits[seed, percent] = Fit(plan.model(seed, 1), counts[dealt[seed].local], options)
    iterations = np.arange(1, plan.iterations + 1)
    frames = []
    for (seed, percent), lda in zip(fits, _with_bar(fits, "at home", threads), strict=True):
        curve = {"iteration": iterations, "log2_likelihood": lda.log2_likelihood_}
        frames.append(pd.DataFrame({"seed": seed, "shared_percent": percent, **curve}))
    return pd.concat(frames, ignore_index=True)


def held_out_curve(
    documents: DocumentData | Any,
    plan: Plan | None = None,
    weights: Sequence[float] = (1.0,),
    iterations: Sequence[int] = (0, 1, ITERATIONS),
    seeds: Sequence[int] = SEEDS,
    *,
    threads: int = 1,
) -> pd.DataFrame:
    """Bits a word on documents of nobody, after some iterations at home: seed, model, weight, iteration, bits.

    Models: "shared" (unchanged), "local", "personal" (starts from the shared topics), "prior" (keeps them as prior
    counts, for each of `weights`; NaN elsewhere). Test documents are only looked at: choose no weight by them.
    """
    plan = plan or Plan()
    counts, dealt = _dealt(documents, plan, seeds)
    shared = _shared_models(counts, plan, dealt, (100,), threads)
    last = {"iterations": max(iterations), "keep": tuple(iterations)}
    fits: dict[tuple[int, str, float], Fit] = {}
    rows = []
    for seed in seeds:
        home, phi = counts[dealt[seed].local], shared[seed, 100]
        ways: dict[tuple[str, float], dict] = {("local", np.nan): {}, ("personal", np.nan): _start(phi)}
        ways |= {("prior", weight): {**_start(phi, "prior"), "weight": weight} for weight in weights}
        fits |= {(seed, *way): Fit(plan.model(seed, 1), home, {**last, **options}) for way, options in ways.items()}
        unchanged = held_out_bits(phi, counts[dealt[seed].test], plan.alpha, seed)
        rows += [(seed, "shared", np.nan, iteration, unchanged) for iteration in iterations]
    for (seed, model, weight), lda in zip(fits, _with_bar(fits, "at home", threads), strict=True):
        test = counts[dealt[seed].test]
        for iteration, phi in lda.phi_at_.items():
            rows.append((seed, model, weight, iteration, held_out_bits(phi, test, plan.alpha, seed)))
    return pd.DataFrame(rows, columns=["seed", "model", "weight", "iteration", "bits"])


def over_seeds(frame: pd.DataFrame, value: str = "log2_likelihood") -> pd.DataFrame:
    """Mean of a column over seeds, for each combination of the other columns: value, lower, upper, seeds.

    lower and upper bound a 95% interval of the mean by Student's t; NaN for one seed.
    """
    by = [column for column in frame.columns if column not in ("seed", value)]
    found = frame.groupby(by, dropna=False)[value].agg(["mean", "std", "count"]).reset_index()
    half = t.ppf(0.5 + LEVEL / 2, np.maximum(found["count"] - 1, 1)) * found["std"] / np.sqrt(found["count"])
    columns = {value: found["mean"], "lower": found["mean"] - half, "upper": found["mean"] + half}
    return found[by].assign(**columns, seeds=found["count"])


def iterations_to_reach(curves: pd.DataFrame, target: float) -> pd.Series:
    """The first iteration at which the mean curve of each model or share is at least `target`; NaN where none is."""
    by = next(column for column in ("shared_percent", "model") if column in curves)
    means = curves.groupby([by, "iteration"])["log2_likelihood"].mean().reset_index()
    reached = means[means["log2_likelihood"] >= target].groupby(by)["iteration"].min()
    return reached.reindex(means[by].unique()).rename("iterations").astype(float)


def _dealt(documents: DocumentData | Any, plan: Plan, seeds: Sequence[int]) -> tuple[Any, dict[int, Dealt]]:
    counts = documents.counts if isinstance(documents, DocumentData) else documents
    groups = documents.groups if isinstance(documents, DocumentData) else np.arange(counts.shape[0])
    return counts, {seed: split_documents(groups, plan.n_shared, plan.n_local, seed) for seed in seeds}


def _shared_models(
    counts: Any, plan: Plan, dealt: Mapping[int, Dealt], percents: Sequence[int], threads: int
) -> dict[tuple[int, int], np.ndarray]:
    """phi by (seed, percent), each from the first `percent` of that seed's public documents; 0 percent has none."""
    fits = {}
    for seed, percent in product(dealt, percents):
        if percent:
            rows = dealt[seed].shared[: round(len(dealt[seed].shared) * percent / 100)]
            fits[seed, percent] = Fit(plan.model(seed, 0), counts[rows], {"iterations": plan.iterations})
    return {key: lda.phi_ for key, lda in zip(fits, _with_bar(fits, "shared topics", threads), strict=True)}


def _start(phi: np.ndarray | None, start: str = "shared") -> dict[str, Any]:
    return {} if phi is None else {"start": start, "shared_phi": phi}


def _with_bar(fits: Mapping[Any, Fit], what: str, threads: int) -> Iterator[GibbsLDA]:
    done = fit_many(fits.values(), threads=threads)
    yield from tqdm(done, total=len(fits), desc=what, unit="model", leave=False, disable=not fits)
