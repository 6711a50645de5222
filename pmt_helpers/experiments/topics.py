"""The stored results of the topics chapter: Figures 4 to 6, 8a and 8b, and held-out documents. Notebook 03.

`python -m pmt_helpers sweep figure5`, `figure6`, `held-out` and `figure8` call this, from the functions `run_...`.
There is one job per seed.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from pmt_helpers.datasets import load_documents
from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.experiments.results import Result, documents_digest, library_versions, read_grid
from pmt_helpers.experiments.resume import Job, JobRunner
from pmt_helpers.topics.prior_weight import WEIGHTS
from pmt_helpers.topics.protocol import figure_5, held_out_curve, over_seeds
from pmt_helpers.topics.single_topic import figure_6
from pmt_helpers.topics.splits import TopicSettings
from pmt_helpers.topics.validation import check_integer

PLANS = {"nips": TopicSettings(1000, 300), "wikipedia": TopicSettings(800, 200), "news": TopicSettings(n_local=200)}
SHARED_PERCENTS = tuple(range(0, 101, 10))  # as in the paper's Figure 5
EVALUATED_AT = (0, 1, 2, 5, 10, 20, 50)  # iterations after which held-out documents are scored
LIBRARIES = ("numpy", "scipy", "numba")


class TopicExperiment(NamedTuple):
    """Documents, those of the cloud if it has another collection, and how many each has."""

    documents: DocumentData
    public: DocumentData | None
    plan: TopicSettings

    @property
    def digest(self) -> str:
        """Of all its documents."""
        return documents_digest(self.documents, self.public)


def topic_experiment(dataset: str, n_local: int | None = None) -> TopicExperiment:
    """ "nips" and "wikipedia" are split into public and own documents; with "news" the cloud has Wikipedia.

    News keeps all its words: the vocabulary is Wikipedia's, extended. n_local: another number of own documents.
    """
    plan = PLANS[dataset] if n_local is None else replace(PLANS[dataset], n_local=n_local)
    if dataset != "news":
        return TopicExperiment(load_documents(dataset), None, plan)
    public = load_documents("wikipedia")
    return TopicExperiment(load_documents("news", vocabulary=public.vocabulary, grow=True), public, plan)


class SeedJob(NamedTuple):
    """What is computed for each seed, and the columns that it gives."""

    function: Callable[[TopicExperiment, int], pd.DataFrame]
    columns: Sequence[str]


def likelihood_rows(experiment: TopicExperiment, seed: int) -> pd.DataFrame:
    """Figure 5 for one seed, and with it Figure 4."""
    documents, public, plan = experiment
    return figure_5(documents, plan, SHARED_PERCENTS, (seed,), public=public)


def held_out_rows(experiment: TopicExperiment, seed: int) -> pd.DataFrame:
    """Held-out documents for one seed."""
    documents, public, plan = experiment
    return held_out_curve(documents, plan, WEIGHTS, EVALUATED_AT, (seed,), public=public)


def one_topic_rows(experiment: TopicExperiment, seed: int) -> pd.DataFrame:
    """Figure 6 for one seed."""
    return figure_6(experiment.documents, experiment.plan, (seed,))


SEED_JOBS: Mapping[str, SeedJob] = {
    "likelihood": SeedJob(likelihood_rows, ("seed", "shared_percent", "iteration", "log2_likelihood")),
    "held_out": SeedJob(
        held_out_rows, ("seed", "model", "weight", "iteration", "bits", "coherence", "validation", "chosen")
    ),
    "one_topic": SeedJob(
        one_topic_rows, ("seed", "person", "documents", "share", "model", "iteration", "log2_likelihood")
    ),
}


def run_figure5(runner: JobRunner, *, dataset: str, n_local: int | None, seeds: int) -> Iterator[Result]:
    """`sweep figure5`."""
    yield _seeded_result(runner, "likelihood", dataset, n_local, seeds)


def run_held_out(runner: JobRunner, *, dataset: str, n_local: int | None, seeds: int) -> Iterator[Result]:
    """`sweep held-out`."""
    yield _seeded_result(runner, "held_out", dataset, n_local, seeds)


def run_figure6(runner: JobRunner, *, dataset: str, seeds: int) -> Iterator[Result]:
    """`sweep figure6`."""
    yield _seeded_result(runner, "one_topic", dataset, None, seeds)


def run_figure8(runner: JobRunner, *, dataset: str) -> Iterator[Result]:
    """`sweep figure8`: seconds are measured here, one computation at a time."""
    experiment = topic_experiment(dataset)
    rows = figure_8(experiment.documents.counts, experiment.plan)
    yield Result({grid_name("iteration_cost", dataset): rows}, dataset, experiment.digest, [0])


def _seeded_result(runner: JobRunner, kind: str, dataset: str, n_local: int | None, seeds: int) -> Result:
    experiment, name = topic_experiment(dataset, n_local), grid_name(kind, dataset, n_local)
    rows = topic_grid(kind, experiment, runner.at(runner.folder / name), seeds=range(seeds))
    return Result({name: rows}, dataset, experiment.digest, list(range(seeds)))


def grid_name(kind: str, dataset: str, n_local: int | None = None) -> str:
    """The name of a stored grid: what it holds, of what, and the number of own documents if it is not the plan's."""
    usual = n_local is None or (dataset in PLANS and n_local == PLANS[dataset].n_local)
    return "_".join((kind, dataset, *(() if usual else (str(n_local),))))


def stored_topics(kind: str, dataset: str, n_local: int | None = None) -> pd.DataFrame:
    """A grid of data/results: "likelihood", "held_out", "one_topic" or "iteration_cost". DataError if there is none."""
    return read_grid(grid_name(kind, dataset, n_local))


def topic_grid(kind: str, experiment: TopicExperiment, runner: JobRunner, *, seeds: Sequence[int]) -> pd.DataFrame:
    """The rows of all seeds, in order, of one of SEED_JOBS."""
    settings = {"percents": SHARED_PERCENTS, "weights": WEIGHTS, "iterations": EVALUATED_AT}
    return rows_by_seed(kind, SEED_JOBS[kind], experiment, runner, settings, LIBRARIES, seeds=seeds)


def rows_by_seed(
    kind: str,
    job: SeedJob,
    experiment: TopicExperiment,
    runner: JobRunner,
    settings: Any,
    libraries: tuple[str, ...],
    *,
    seeds: Sequence[int],
) -> pd.DataFrame:
    """The rows of job.function(experiment, seed) for each seed, in order.

    Job results of other settings, other versions of the libraries or other documents are removed.
    """
    plan = {"kind": kind, "digest": experiment.digest, "plan": asdict(experiment.plan), "settings": settings}
    plan["libraries"] = library_versions(libraries)
    jobs: dict[str, Job] = {f"seed-{seed}": (job.function, (experiment, seed)) for seed in seeds}
    return runner.rows(jobs, plan, kind.replace("_", " "), job.columns)


def at_chosen_weight(held_out: pd.DataFrame) -> pd.DataFrame:
    """A held-out grid with the model "prior" only at the weight that validation chose.

    Returns seed, model, iteration, bits, coherence.
    """
    rows = held_out[(held_out["model"] != "prior") | held_out["chosen"]]
    return rows[["seed", "model", "iteration", "bits", "coherence"]].reset_index(drop=True)


def gains_by_weight(held_out: pd.DataFrame) -> pd.DataFrame:
    """What each weight of the prior is worth after the last iteration, compared with the local model.

    Returns weight, gain (mean over seeds, bits per word), lower, upper (its interval), seeds, and chosen: by how many
    seeds' validation.
    """
    last = held_out[held_out["iteration"] == held_out["iteration"].max()]
    local = last[last["model"] == "local"].set_index("seed")["bits"]
    prior = last[last["model"] == "prior"]
    gains = pd.DataFrame({"seed": prior["seed"], "weight": prior["weight"]})
    gains["gain"] = prior["bits"] - prior["seed"].map(local)
    chosen = prior.groupby("weight")["chosen"].sum().rename("chosen").reset_index()
    return over_seeds(gains, "gain").merge(chosen, on="weight")


def figure_8(
    counts: Any,
    plan: TopicSettings | None = None,
    documents: Sequence[int] = (200, 400, 600, 800, 1000),
    percents: Sequence[int] = (10, 20, 30, 40, 50),
    *,
    rounds: int = 5,
    iterations: int = 5,
) -> pd.DataFrame:
    """CPU seconds of an iteration: by ("documents" | "frequent words" | "random words"), size, tokens, seconds.

    Every size takes its turn in each round, and the median over the rounds is kept: a busy machine slows all alike.

    Parameters
    ----------
    counts: (n_docs, n_words) word counts.
    plan: of the model; the default is that of NIPS.
    documents, percents: sizes, in documents and in percent of the vocabulary.
    rounds, iterations: how often each size is measured, and over how many iterations.
    """
    plan, iterations = plan or TopicSettings(), check_integer("iterations", iterations, 1)
    tables = dict(_tables(csr_array(counts), documents, percents))
    plan.model(0).fit(counts[:2], 1)  # compiles
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in tables}
    for _ in range(rounds):
        for key, table in tables.items():
            started = [time.process_time()]
            for n in (0, iterations):  # the setting up is not part of an iteration
                plan.model(0).fit(table, n)
                started.append(time.process_time())
            seconds[key].append((started[2] - started[1] - (started[1] - started[0])) / iterations)
    rows = [(*key, int(table.sum()), float(np.median(seconds[key]))) for key, table in tables.items()]
    return pd.DataFrame(rows, columns=["by", "size", "tokens", "seconds"])


def _tables(
    counts: csr_array, documents: Sequence[int], percents: Sequence[int]
) -> Iterator[tuple[tuple[str, int], csr_array]]:
    rng = np.random.default_rng(0)
    order = rng.permutation(counts.shape[0])
    for size in (size for size in documents if size <= len(order)):
        yield ("documents", size), counts[order[:size]]
    frequent = np.argsort(-np.asarray(counts.sum(axis=0)).ravel(), kind="stable")
    for name, words in (("frequent words", frequent), ("random words", rng.permutation(len(frequent)))):
        for percent in percents:
            yield (name, percent), counts[:, np.sort(words[: round(len(words) * percent / 100)])]
