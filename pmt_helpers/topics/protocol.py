"""The paper's Figures 4 and 5, and the same models on text that nobody trained on. Notebook 03.

`documents`: one collection, from which public, own and test documents are dealt; or one's own, with `public` for the
cloud's (see `dealing`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t
from tqdm.auto import tqdm

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.topics.evaluation import held_out_bits
from pmt_helpers.topics.gibbs import ITERATIONS, Fit, GibbsLDA, fit_many
from pmt_helpers.topics.prior_weight import WEIGHTS, best_weight, validation_bits
from pmt_helpers.topics.splits import SplitCounts, TopicSettings, split

SEEDS = (0, 1, 2, 3, 4, 5)
PERCENTS = (0, 10, 30, 50, 100)
LEVEL = 0.95


def figure_4(
    documents: DocumentData | Any,
    plan: TopicSettings | None = None,
    seeds: Sequence[int] = SEEDS,
    *,
    public: DocumentData | None = None,
    threads: int = 1,
    progress: bool = True,
) -> pd.DataFrame:
    """Log likelihood of the training words by iteration, for the paper's two models.

    Returns seed, model ("local", "personal"), iteration, log2_likelihood; the shared model has all public documents.
    """
    curves = figure_5(documents, plan, (0, 100), seeds, public=public, threads=threads, progress=progress)
    return by_model(curves)


def by_model(curves: pd.DataFrame) -> pd.DataFrame:
    """Figure 4 out of Figure 5: the local model, and the personal one with all public documents."""
    ends = curves[curves["shared_percent"].isin((0, 100))].reset_index(drop=True)
    ends.insert(1, "model", ends.pop("shared_percent").map({0: "local", 100: "personal"}))
    return ends


def figure_5(
    documents: DocumentData | Any,
    plan: TopicSettings | None = None,
    percents: Sequence[int] = PERCENTS,
    seeds: Sequence[int] = SEEDS,
    *,
    public: DocumentData | None = None,
    threads: int = 1,
    progress: bool = True,
) -> pd.DataFrame:
    """The same for personal models from a part of the public documents.

    Returns seed, shared_percent (0 is the local model), iteration, log2_likelihood.
    """
    plan = plan or TopicSettings()
    parts = {seed: split(documents, plan, seed, public) for seed in seeds}
    shared = shared_models(parts, plan, percents, threads, progress)
    fits = {}
    for seed, percent in product(seeds, percents):
        options = {"iterations": plan.iterations, **starting_from(shared.get((seed, percent)))}
        fits[seed, percent] = Fit(plan.model(seed, 1), parts[seed].local, options)
    iterations = np.arange(1, plan.iterations + 1)
    frames = []
    for (seed, percent), lda in zip(fits, fitted(fits, "at home", threads, progress), strict=True):
        curve = {"iteration": iterations, "log2_likelihood": lda.log2_likelihood_}
        frames.append(pd.DataFrame({"seed": seed, "shared_percent": percent, **curve}))
    return pd.concat(frames, ignore_index=True)


def held_out_curve(
    documents: DocumentData | Any,
    plan: TopicSettings | None = None,
    weights: Sequence[float] = WEIGHTS,
    iterations: Sequence[int] = (0, 1, ITERATIONS),
    seeds: Sequence[int] = SEEDS,
    *,
    public: DocumentData | None = None,
    threads: int = 1,
    progress: bool = True,
) -> pd.DataFrame:
    """Bits a word on documents of nobody: seed, model, weight, iteration, bits, coherence, validation, chosen.

    Models: "shared" (unchanged), "local", "personal" (starts from the shared topics), "prior" (keeps them as prior
    counts, for each of `weights`; NaN elsewhere). Test documents are only looked at: validation has the bits that each
    weight reaches on the person's own documents put aside in turn, and chosen is True for the weight that is best
    there. coherence: mean over the topics after the last iteration, in the test documents; NaN elsewhere.
    """
    plan = plan or TopicSettings()
    parts = {seed: split(documents, plan, seed, public) for seed in seeds}
    shared = shared_models(parts, plan, (100,), threads, progress)
    last = max(iterations)
    options = {"iterations": last, "keep": tuple(iterations)}
    fits: dict[tuple[int, str, float], Fit] = {}
    rows: list[tuple] = []
    chosen = []
    for seed in seeds:
        phi, part = shared[seed, 100], parts[seed]
        ways: dict[tuple[str, float], dict] = {("local", np.nan): {}, ("personal", np.nan): starting_from(phi)}
        ways |= {("prior", weight): {**starting_from(phi, "prior"), "weight": weight} for weight in weights}
        fits |= {
            (seed, *way): Fit(plan.model(seed, 1), part.local, {**options, **start}) for way, start in ways.items()
        }
        rows += _measured((seed, "shared", np.nan), dict.fromkeys(iterations, phi), part, plan, last)
        validated = validation_bits(
            phi, part.local, weights, groups=part.local_groups, plan=plan, seed=seed, threads=threads
        )
        means = validated.groupby("weight")["bits"].mean().rename("validation").reset_index()
        chosen.append(means.assign(seed=seed, chosen=means["weight"] == best_weight(validated)))
    for key, lda in zip(fits, fitted(fits, "at home", threads, progress), strict=True):
        rows += _measured(key, lda.phi_at_, parts[key[0]], plan, last)
    frame = pd.DataFrame(rows, columns=["seed", "model", "weight", "iteration", "bits", "coherence"])
    frame = frame.merge(pd.concat(chosen), on=["seed", "weight"], how="left")
    return frame.assign(chosen=frame["chosen"].eq(True)).sort_values("seed", kind="stable", ignore_index=True)


def _measured(
    key: tuple[int, str, float], phi_at: Mapping[int, np.ndarray], part: SplitCounts, plan: TopicSettings, last: int
) -> Iterator[tuple]:
    """Rows of one model: bits after each iteration, coherence after the last."""
    from pmt_helpers.topics.evaluation import coherence

    for iteration, phi in phi_at.items():
        bits = held_out_bits(phi, part.test, plan.alpha, key[0])
        yield *key, iteration, bits, float(np.nanmean(coherence(phi, part.test))) if iteration == last else np.nan


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


def shared_models(
    parts: Mapping[int, SplitCounts],
    plan: TopicSettings,
    percents: Iterable[int] = (100,),
    threads: int = 1,
    progress: bool = True,
) -> dict[tuple[int, int], np.ndarray]:
    """phi by (seed, percent), each from the first `percent` of that seed's public documents; 0 percent has none."""
    fits = {}
    for (seed, part), percent in product(parts.items(), percents):
        if percent:
            counts = part.shared[: round(part.shared.shape[0] * percent / 100)]
            fits[seed, percent] = Fit(plan.model(seed, 0), counts, {"iterations": plan.iterations})
    return {key: lda.phi_ for key, lda in zip(fits, fitted(fits, "shared topics", threads, progress), strict=True)}


def starting_from(phi: np.ndarray | None, start: str = "shared") -> dict[str, Any]:
    """Options of `GibbsLDA.fit` for a personal model; none for a local one, which has no shared topics."""
    return {} if phi is None else {"start": start, "shared_phi": phi}


def fitted(fits: Mapping[Any, Fit], what: str, threads: int, progress: bool = True) -> Iterator[GibbsLDA]:
    """fit_many with a progress bar."""
    done = fit_many(fits.values(), threads=threads)
    yield from tqdm(done, total=len(fits), desc=what, unit="model", leave=False, disable=not (fits and progress))
