"""Rows for the figures of seconds by size: from the spans of logs, the stored grid and the paper. Notebook 05, step 3.

CPU seconds where they are known, since others used the computer too; the paper's are what a clock on the wall showed.
Logs of a memory limit are left out: what they measured is memory.
"""

from collections.abc import Iterable

import pandas as pd

from pmt_helpers.datasets.paper import paper_table
from pmt_helpers.device.fits import one_way
from pmt_helpers.device.logs import Log, seconds_of_spans
from pmt_helpers.teaching.figures.origins import MEMORY_ONLY, PAPER

COLUMNS = {"documents": "n_documents", "words": "words_percent"}


def spans_of(logs: Iterable[Log]) -> pd.DataFrame:
    """The spans of all these logs, each row with its origin and run_id."""
    return pd.concat(
        [
            log.spans.assign(origin=log.origin, run_id=log.header["run_id"]).astype(
                {name: object for name in ("phase", "task", "kernel") if name in log.spans}
            )
            for log in logs
        ],
        ignore_index=True,
    )


def training_rows(spans: pd.DataFrame, epochs: int = 1) -> pd.DataFrame:
    """Seconds of so many epochs: origin, kernel, n_samples, seconds; a row a run and size.

    spans: as `spans_of` gives them. An epoch is the mean of those recorded. The paper's rows are whole trainings, whose
    epochs nobody knows.
    """
    rows = _work(spans, "n_samples")
    paper = rows[rows["origin"] == PAPER]
    groups = rows[rows["origin"] != PAPER].groupby(["origin", "run_id", "kernel", "n_samples"], sort=False)
    ours = groups[["seconds", "updates"]].sum().reset_index()
    ours["seconds"] *= epochs * ours["n_samples"] / ours["updates"]
    return pd.concat([ours, paper], ignore_index=True)[["origin", "kernel", "n_samples", "seconds"]]


def iteration_rows(spans: pd.DataFrame, by: str = "documents", paper: bool = True) -> pd.DataFrame:
    """Median seconds of an iteration: origin, kernel, n_documents or words_percent, seconds; a row a run and size.

    by="documents": each number of documents with all its words. by="words": the most documents with a share of theirs.
    paper: with the points of its Figure 8.
    """
    rows = _work(spans, "n_documents")
    rows = rows[rows["origin"] != PAPER]
    run = ["run_id", "kernel"]
    rows["words_percent"] = 100 * rows["n_words"] / rows.groupby(run)["n_words"].transform("max")
    rows["seconds"] *= rows["n_tokens"] / rows["updates"]  # a span may hold several iterations
    kept = one_way(rows, "n_documents" if by == "documents" else "n_words")
    found = kept.groupby(["origin", *run, COLUMNS[by]], sort=False)["seconds"].median().reset_index()
    return pd.concat([found, _paper_iterations(by)] if paper else [found], ignore_index=True).drop(columns="run_id")


def stored_iteration_rows(grid: pd.DataFrame, by: str = "documents") -> pd.DataFrame:
    """The grid of `sweep figure8` (by, size, tokens, seconds) in the columns of `iteration_rows`: Numba, measured."""
    rows = grid[grid["by"] == ("documents" if by == "documents" else "random words")]
    return pd.DataFrame(
        {
            "origin": "measured-host",
            "kernel": "numba",
            COLUMNS[by]: rows["size"].astype(float),
            "seconds": rows["seconds"],
        }
    ).reset_index(drop=True)


def _paper_iterations(by: str) -> pd.DataFrame:
    name = {"documents": "documents", "words": "vocabulary"}[by]
    table = paper_table(f"fig8{'a' if by == 'documents' else 'b'}_seconds_per_iteration_by_{name}")
    return pd.DataFrame(
        {"origin": PAPER, "kernel": "", COLUMNS[by]: table[name].astype(float), "seconds": table["seconds"]}
    )


def _work(spans: pd.DataFrame, size: str) -> pd.DataFrame:
    """The spans of work of one task, with kernel and seconds, which not all logs have."""
    if size not in spans:
        raise ValueError(f"no span has {size}: these logs are of another task")
    kept = (spans["phase"] == "train") & spans[size].notna() & ~spans["origin"].isin(MEMORY_ONLY)
    rows = spans[kept].copy()
    kernel = rows.get("kernel", pd.Series(None, rows.index, dtype=object)).astype(object)
    rows["kernel"] = kernel.where(kernel.notna(), "")  # a group of its own
    rows["seconds"] = seconds_of_spans(rows)
    return rows
