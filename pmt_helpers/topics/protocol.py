"""The paper's Figures 4 and 5, and the same models on documents that nobody trained on. Notebook 03.

`documents`: one collection, which is split into public, own and test documents; or one's own, with `public` for the
cloud's (see `splits`). Each function returns one row per seed, model and iteration.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import scipy  # its parts load on first use

from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.topics.evaluation import held_out_bits, topic_coherence
from pmt_helpers.topics.gibbs import ITERATIONS, Fit, GibbsLDA, fit_many
from pmt_helpers.topics.prior_weight import WEIGHTS, best_weight, validation_bits
from pmt_helpers.topics.splits import SplitCounts, TopicSettings, split

SEEDS = (0, 1, 2, 3, 4, 5)
PERCENTS = (0, 10, 30, 50, 100)
LEVEL = 0.95


def figure_5(
    documents: DocumentData | Any, settings: TopicSettings | None = None, percents: Sequence[int] = PERCENTS,
    seeds: Sequence[int] = SEEDS,
    *, public: DocumentData | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Log likelihood of the training words by iteration, for personal models from a part of the public documents.

    Returns seed, shared_percent (0 is the local model), iteration, log2_likelihood.
    """
    settings = settings or TopicSettings()
    parts = {seed: split(documents, settings, seed, public) for seed in seeds}
    shared = shared_models(parts, settings, percents)
    fits = {}
    for seed, percent in product(seeds, percents):
        options = {"iterations": settings.iterations, **starting_from(shared.get((seed, percent)))}
        fits[seed, percent] = Fit(settings.model(seed, 1), parts[seed].local, options)
    curves = [likelihood_curve(lda, seed=seed, shared_percent=percent) for (seed, percent), lda in fit_each(fits)]
    return pd.concat(curves, ignore_index=True)


def by_model(curves: pd.DataFrame) -> pd.DataFrame:
    """Figure 4 out of Figure 5: the local model, and the personal one with all public documents.

    Returns seed, model ("local", "personal"), iteration, log2_likelihood.
    """
    ends = curves[curves["shared_percent"].isin((0, 100))].reset_index(drop=True)
    ends.insert(1, "model", ends.pop("shared_percent").map({0: "local", 100: "personal"}))
    return ends


def held_out_curve(
    documents: DocumentData | Any, settings: TopicSettings | None = None, weights: Sequence[float] = WEIGHTS,
    iterations: Sequence[int] = (0, 1, ITERATIONS), seeds: Sequence[int] = SEEDS,
    *, public: DocumentData | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Bits per word on the test documents: seed, model, weight, iteration, bits, coherence, validation, chosen.

    Models: "shared" (unchanged), "local", "personal" (starts from the shared topics), "prior" (keeps them as prior
    counts, for each of `weights`; NaN elsewhere). validation: the bits that each weight reaches in cross-validation on
    the person's own documents; chosen: True for the weight that is best there, which never depends on test documents.
    coherence: mean over the topics after the last iteration, in the test documents; NaN elsewhere.
    """
    settings = settings or TopicSettings()
    parts = {seed: split(documents, settings, seed, public) for seed in seeds}
    shared = shared_models(parts, settings)
    last = max(iterations)
    fits: dict[tuple[int, str, float], Fit] = {}
    rows: list[tuple] = []
    validations = []
    for seed in seeds:
        phi, part = shared[seed, 100], parts[seed]
        starts: dict[tuple[str, float], dict] = {("local", np.nan): {}, ("personal", np.nan): starting_from(phi)}
        starts |= {("prior", weight): {**starting_from(phi, "prior"), "weight": weight} for weight in weights}
        for model, start in starts.items():
            options = {"iterations": last, "keep": tuple(iterations), **start}
            fits[seed, *model] = Fit(settings.model(seed, 1), part.local, options)
        rows += _held_out_rows((seed, "shared", np.nan), dict.fromkeys(iterations, phi), part, settings, last)
        bits = validation_bits(phi, part.local, weights, groups=part.local_groups, settings=settings, seed=seed)
        means = bits.groupby("weight")["bits"].mean().rename("validation").reset_index()
        validations.append(means.assign(seed=seed, chosen=means["weight"] == best_weight(bits)))
    for key, lda in fit_each(fits):
        rows += _held_out_rows(key, lda.phi_at_, parts[key[0]], settings, last)
    frame = pd.DataFrame(rows, columns=["seed", "model", "weight", "iteration", "bits", "coherence"])
    frame = frame.merge(pd.concat(validations), on=["seed", "weight"], how="left")
    return frame.assign(chosen=frame["chosen"].eq(True)).sort_values("seed", kind="stable", ignore_index=True)


def _held_out_rows(
    key: tuple[int, str, float], phi_at: Mapping[int, np.ndarray], part: SplitCounts, settings: TopicSettings,
    last: int,
) -> Iterator[tuple]:  # fmt: skip
    """Rows of one model: bits after each iteration, coherence after the last."""
    for iteration, phi in phi_at.items():
        coherence = float(np.nanmean(topic_coherence(phi, part.test))) if iteration == last else np.nan
        yield *key, iteration, held_out_bits(phi, part.test, settings.alpha, key[0]), coherence


def over_seeds(frame: pd.DataFrame, value: str = "log2_likelihood") -> pd.DataFrame:
    """Mean of a column over seeds, for each combination of the other columns: value, lower, upper, seeds.

    lower and upper bound a 95% interval of the mean by Student's t; NaN for one seed.
    """
    by = [column for column in frame.columns if column not in ("seed", value)]
    stats = frame.groupby(by, dropna=False)[value].agg(["mean", "std", "count"]).reset_index()
    half = (
        scipy.stats.t.ppf(0.5 + LEVEL / 2, np.maximum(stats["count"] - 1, 1)) * stats["std"] / np.sqrt(stats["count"])
    )
    columns = {value: stats["mean"], "lower": stats["mean"] - half, "upper": stats["mean"] + half}
    return stats[by].assign(**columns, seeds=stats["count"])


def iterations_to_reach(curves: pd.DataFrame, target: float) -> pd.Series:
    """The first iteration at which the mean curve of each model or share is at least `target`; NaN for never."""
    by = "shared_percent" if "shared_percent" in curves else "model"
    means = curves.groupby([by, "iteration"])["log2_likelihood"].mean().reset_index()
    reached = means[means["log2_likelihood"] >= target].groupby(by)["iteration"].min()
    return reached.reindex(means[by].unique()).rename("iterations").astype(float)


def shared_models(
    parts: Mapping[int, SplitCounts], settings: TopicSettings, percents: Iterable[int] = (100,)
) -> dict[tuple[int, int], np.ndarray]:
    """phi by (seed, percent), each from the first `percent` of that seed's public documents; 0 percent has none."""
    fits = {}
    for (seed, part), percent in product(parts.items(), percents):
        if percent:
            counts = part.shared[: round(part.shared.shape[0] * percent / 100)]
            fits[seed, percent] = Fit(settings.model(seed, 0), counts, {"iterations": settings.iterations})
    return {key: lda.phi_ for key, lda in fit_each(fits)}


def starting_from(phi: np.ndarray | None, start: str = "shared") -> dict[str, Any]:
    """Options of `GibbsLDA.fit` for a personal model; none for a local one, which has no shared topics."""
    return {} if phi is None else {"start": start, "shared_phi": phi}


def fit_each(fits: Mapping[Any, Fit]) -> Iterator[tuple[Any, GibbsLDA]]:
    """Each key with its fitted model."""
    return zip(fits, fit_many(fits.values()), strict=True)


def likelihood_curve(lda: GibbsLDA, **key: Any) -> pd.DataFrame:
    """The columns of key, iteration (from 1), log2_likelihood."""
    iterations = np.arange(1, len(lda.log2_likelihood_) + 1)
    return pd.DataFrame({**key, "iteration": iterations, "log2_likelihood": lda.log2_likelihood_})
