"""The two tasks on the workbook's own data, in each of its kernels. Notebook 05, step 2."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from pmt_helpers.device.engines import NETWORKS, SAMPLERS
from pmt_helpers.device.kernels import GOLDEN, KERNELS, Network, Tokens
from pmt_helpers.device.recorder import Recorder
from pmt_helpers.device.runs import Progress, record_activity, record_topics

N_HIDDEN, N_TOPICS = 128, 20
# What each kernel rests on. activity/weights.py knows Keras, so that the compiled loop pays for it too.
_MODULES = {
    ("activity", "numba"): "pmt_helpers.activity.online_kernel",
    ("activity", "jax"): "jax",
    ("activity", "keras_fit"): "pmt_helpers.activity.training",
    ("activity", "keras_batch"): "pmt_helpers.activity.training",
    ("topics", "numba"): "pmt_helpers.topics.gibbs_kernel",
}


def import_kernel(task: str, kernel: str) -> None:
    """Import what it needs, for a span of its own. Raises ValueError for a kernel that the task does not have."""
    if kernel not in KERNELS[task]:
        raise ValueError(f"{task} has the kernels {', '.join(KERNELS[task])}; got {kernel!r}")
    import_module(_MODULES.get((task, kernel), "numpy"))


def record_kernel(
    recorder: Recorder,
    task: str,
    kernel: str,
    *,
    dataset: str | None = None,
    samples: Sequence[int] = (20, 40, 80, 160),
    epochs: int = 20,
    documents: Sequence[int] = (10, 20, 30, 40),
    percents: Sequence[int] = (25, 50, 75),
    iterations: int = 5,
    calls: int = 1000,
    seed: int = 0,
    progress: Progress = print,
) -> None:
    """One task with one kernel, after its import. dataset: default "watch", or "wikipedia".

    samples: windows to train on. documents: how many, then the largest number with `percents` of the vocabulary. Sizes
    that the data do not have are left out.
    """
    about = {"task": task, "kernel": kernel}
    if task == "activity":
        with recorder.span("load", **about):
            start, X, y = windows(dataset or "watch", max(samples), seed)
        make = NETWORKS[kernel]
        sizes = [n for n in samples if n <= len(X)]
        record_activity(
            recorder,
            kernel,
            lambda n: make(start, X[:n], y[:n]),
            X,
            sizes,
            epochs,
            calls=calls,
            progress=progress,
        )
    else:
        with recorder.span("load", **about):
            corpora = tokens(dataset or "wikipedia", documents, percents, seed)
        gibbs = SAMPLERS[kernel]
        record_topics(
            recorder, kernel, lambda one: gibbs(one, N_TOPICS, seed), corpora, iterations, N_TOPICS, progress=progress
        )


def windows(dataset: str, n: int, seed: int = 0) -> tuple[Network, np.ndarray, np.ndarray]:
    """A new network; up to n windows of all people together, scaled, (n, n_inputs); their labels (n,).

    The inputs are laid out as Weights.inputs does: the features, 1 for the bias, zeros up to a multiple of four.
    """
    from pmt_helpers.datasets import load_activity

    data = load_activity(dataset)
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(data.X))[:n]
    n_features, n_classes = data.X.shape[1], len(data.class_names)
    inputs = np.zeros((len(rows), -(-(n_features + 1) // 4) * 4), np.float32)
    inputs[:, :n_features] = ((data.X - data.X.mean(0)) / np.maximum(data.X.std(0), 1e-9))[rows]
    inputs[:, n_features] = 1
    hidden = np.zeros((inputs.shape[1], N_HIDDEN), np.float32)
    hidden[:n_features] = rng.normal(0, np.sqrt(2 / n_features), (n_features, N_HIDDEN))
    output = rng.normal(0, np.sqrt(2 / N_HIDDEN), (n_classes, N_HIDDEN)).astype(np.float32)
    return Network(hidden, output, np.zeros(n_classes, np.float32), n_features), inputs, data.y[rows]


def tokens(dataset: str, documents: Sequence[int], percents: Sequence[int], seed: int = 0) -> list[Tokens]:
    """Corpora: so many documents, drawn at random, then the largest of them with so many percent of its vocabulary."""
    from pmt_helpers.datasets import load_documents

    counts = load_documents(dataset).counts.tocsr()
    rng = np.random.default_rng(seed)
    order = rng.permutation(counts.shape[0])
    sizes = [n for n in documents if n <= len(order)]
    whole = [_used(counts[order[:n]]) for n in sizes]
    last = whole[-1]
    # every nth of the words by frequency, rather than any: tokens then go with words
    frequent = np.argsort(-np.asarray(last.sum(axis=0)).ravel(), kind="stable")
    spread = np.argsort(np.arange(len(frequent)) * GOLDEN % 1, kind="stable")
    shares = [last[:, frequent[spread[: len(frequent) * percent // 100]]] for percent in percents]
    return [_tokens(table) for table in (*whole, *shares)]


def _used(counts: Any) -> Any:
    """Without the words that do not occur."""
    return counts[:, np.flatnonzero(np.asarray(counts.sum(axis=0)).ravel())]


def _tokens(counts: Any) -> Tokens:
    table = counts.tocoo()
    order = np.lexsort((table.col, table.row))
    times = table.data[order].astype(int)
    words, rows = (np.repeat(axis[order], times).tolist() for axis in (table.col, table.row))
    return Tokens(words, rows, table.shape[1], table.shape[0])
