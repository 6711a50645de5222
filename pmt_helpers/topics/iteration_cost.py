"""What one iteration costs, by the number of documents and by the share of the vocabulary (paper, Figures 8a and 8b).

Only the shape can be held against the paper: its seconds are a Raspberry Pi's, in another language. An iteration visits
each token once, so its cost goes with the tokens; which words a share of the vocabulary keeps decides how many those
are, and the paper does not say. Notebooks 03 and 05.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from pmt_helpers.topics.dealing import Plan

DOCUMENTS = (200, 400, 600, 800, 1000)
PERCENTS = (10, 20, 30, 40, 50)


def figure_8(
    counts: csr_array | Any,
    plan: Plan | None = None,
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
    plan = plan or Plan()
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
