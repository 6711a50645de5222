"""The stored results of the topics chapter: Figures 4 to 6, 8a and 8b, and held-out text. Notebook 03.

`python -m pmt_helpers sweep figure5` and the others call this. Each seed is a piece: a stopped sweep goes on.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from pmt_helpers.datasets import load_documents
from pmt_helpers.datasets.base import DocumentData
from pmt_helpers.experiments.results import read_grid
from pmt_helpers.experiments.resume import Job, compute_missing, read_rows, work_folder, write_rows
from pmt_helpers.topics.prior_weight import WEIGHTS
from pmt_helpers.topics.protocol import figure_5, held_out_curve, over_seeds
from pmt_helpers.topics.single_topic import figure_6
from pmt_helpers.topics.splits import TopicSettings

PLANS = {"nips": TopicSettings(1000, 300), "wikipedia": TopicSettings(800, 200), "news": TopicSettings(n_local=200)}


FIFTHS = tuple(range(0, 101, 10))  # percent, as in the paper's Figure 5


LOOKED_AT = (0, 1, 2, 5, 10, 20, 50)  # iterations after which held-out text is scored


class Collection(NamedTuple):
    """Documents, whose they are if the cloud has another collection, and how many each has."""

    documents: DocumentData
    public: DocumentData | None
    plan: TopicSettings


def collection(dataset: str, n_local: int | None = None) -> Collection:
    """ "nips" and "wikipedia" are dealt into public and own documents; with "news" the cloud has Wikipedia.

    News keeps all its words: the vocabulary is Wikipedia's, grown. n_local: another number of own documents.
    """
    plan = PLANS[dataset] if n_local is None else replace(PLANS[dataset], n_local=n_local)
    if dataset != "news":
        return Collection(load_documents(dataset), None, plan)
    public = load_documents("wikipedia")
    return Collection(load_documents("news", vocabulary=public.vocabulary, grow=True), public, plan)


def likelihood_piece(given: Collection, seed: int) -> pd.DataFrame:
    """Figure 5 for one seed, and with it Figure 4."""
    return figure_5(given.documents, given.plan, FIFTHS, (seed,), public=given.public)


def held_out_piece(given: Collection, seed: int) -> pd.DataFrame:
    """Held-out text for one seed."""
    return held_out_curve(given.documents, given.plan, WEIGHTS, LOOKED_AT, (seed,), public=given.public)


def one_topic_piece(given: Collection, seed: int) -> pd.DataFrame:
    """Figure 6 for one seed."""
    return figure_6(given.documents, given.plan, (seed,))


KINDS: Mapping[str, Callable[[Collection, int], pd.DataFrame]] = {
    "likelihood": likelihood_piece,
    "held_out": held_out_piece,
    "one_topic": one_topic_piece,
}


def grid_name(kind: str, dataset: str, n_local: int | None = None) -> str:
    """The name of a stored grid: what it holds, of what, and the number of own documents where it is not the plan's."""
    usual = n_local in (None, PLANS[dataset].n_local)
    return "_".join((kind, dataset, *(() if usual else (str(n_local),))))


def stored_topics(kind: str, dataset: str, n_local: int | None = None) -> pd.DataFrame:
    """A grid of data/results: "likelihood", "held_out", "one_topic" or "iteration_cost". DataError if there is none."""
    return read_grid(grid_name(kind, dataset, n_local))


def topic_grid(
    kind: str,
    given: Collection,
    folder: Path,
    *,
    seeds: Sequence[int],
    workers: int = 2,
    dask: str | None = None,
) -> pd.DataFrame:
    """The pieces of all seeds, in order. Neither workers nor an interruption changes a bit of it."""
    settings = {"percents": FIFTHS, "weights": WEIGHTS, "iterations": LOOKED_AT}
    libraries = ("numpy", "scipy", "numba")
    return rows_by_seed(kind, KINDS[kind], given, folder, settings, libraries, seeds=seeds, workers=workers, dask=dask)


def rows_by_seed(
    kind: str,
    piece: Callable[[Collection, int], pd.DataFrame],
    given: Collection,
    folder: Path,
    settings: Any,
    libraries: Sequence[str],
    *,
    seeds: Sequence[int],
    workers: int = 2,
    dask: str | None = None,
) -> pd.DataFrame:
    """piece(given, seed) for each seed, in order, kept in `folder` so that a stopped sweep goes on.

    Pieces of other settings, other versions of the libraries or another collection are thrown away.
    """
    plan = {
        "kind": kind,
        "digest": documents_digest(given),
        "plan": asdict(given.plan),
        "settings": settings,
        "libraries": {name: version(name) for name in libraries},
    }
    work_folder(folder, plan)
    jobs: dict[str, Job] = {f"seed-{seed}": (piece, (given, seed)) for seed in seeds}
    paths = compute_missing(
        jobs, folder, write_rows, suffix=".csv", description=kind.replace("_", " "), workers=workers, dask=dask
    )
    return pd.concat([read_rows(path, ("seed",)) for path in paths.values()], ignore_index=True)


def documents_digest(given: Collection) -> str:
    """sha256 over the counts and words of the documents, and of the public ones where they are others."""
    digest = hashlib.sha256()
    for data in (given.documents, given.public):
        if data is not None:
            for array in (data.counts.data, data.counts.indices, data.counts.indptr):
                digest.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
            digest.update("\n".join(data.vocabulary).encode())
    return digest.hexdigest()


def at_chosen_weight(held_out: pd.DataFrame) -> pd.DataFrame:
    """A held-out grid with the model "prior" only at the weight that validation chose.

    Returns seed, model, iteration, bits, coherence.
    """
    rows = held_out[(held_out["model"] != "prior") | held_out["chosen"]]
    return rows[["seed", "model", "iteration", "bits", "coherence"]].reset_index(drop=True)


def gains_by_weight(held_out: pd.DataFrame) -> pd.DataFrame:
    """What each weight of the prior is worth after the last iteration, against the local model.

    Returns weight, gain (mean over seeds, bits a word), lower, upper (its interval), seeds, and chosen: by how many
    seeds' validation.
    """
    last = held_out[held_out["iteration"] == held_out["iteration"].max()]
    local = last[last["model"] == "local"].set_index("seed")["bits"]
    prior = last[last["model"] == "prior"]
    gains = pd.DataFrame({"seed": prior["seed"], "weight": prior["weight"]})
    gains["gain"] = prior["bits"] - prior["seed"].map(local)
    chosen = prior.groupby("weight")["chosen"].sum().rename("chosen").reset_index()
    return over_seeds(gains, "gain").merge(chosen, on="weight")


DOCUMENTS = (200, 400, 600, 800, 1000)


PERCENTS = (10, 20, 30, 40, 50)


def figure_8(
    counts: csr_array | Any,
    plan: TopicSettings | None = None,
    documents: Sequence[int] = DOCUMENTS,
    percents: Sequence[int] = PERCENTS,
    seed: int = 0,
    *,
    rounds: int = 5,
    iterations: int = 5,
) -> pd.DataFrame:
    """CPU seconds of an iteration: by ("documents" | "frequent words" | "random words"), size, tokens, seconds.

    size: documents, or percent of the vocabulary kept. Every size takes its turn in each round, and the median over the
    rounds is kept, so that a busy machine slows all alike.
    """
    plan = plan or TopicSettings()
    tables = dict(_tables(csr_array(counts), documents, percents, seed))
    plan.model(seed).fit(counts[:2], 1)  # compiles
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in tables}
    for _ in range(rounds):
        for key, table in tables.items():
            started = [time.process_time()]
            for n in (0, iterations):  # the setting up is not part of an iteration
                plan.model(seed).fit(table, n)
                started.append(time.process_time())
            seconds[key].append((started[2] - started[1] - (started[1] - started[0])) / iterations)
    rows = [(*key, int(table.sum()), float(np.median(seconds[key]))) for key, table in tables.items()]
    return pd.DataFrame(rows, columns=["by", "size", "tokens", "seconds"])


def _tables(
    counts: csr_array, documents: Sequence[int], percents: Sequence[int], seed: int
) -> Iterator[tuple[tuple[str, int], csr_array]]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(counts.shape[0])
    for size in (size for size in documents if size <= len(order)):
        yield ("documents", size), counts[order[:size]]
    frequent = np.argsort(-np.asarray(counts.sum(axis=0)).ravel(), kind="stable")
    for name, words in (("frequent words", frequent), ("random words", rng.permutation(len(frequent)))):
        for percent in percents:
            yield (name, percent), counts[:, np.sort(words[: round(len(words) * percent / 100)])]
