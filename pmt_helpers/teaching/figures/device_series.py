"""Series of the device figures: how each number was obtained, and rows from logs, stored grids and the paper.

CPU seconds where they are known, since others used the computer too; the paper's are what a clock on the wall showed.
Logs of a memory limit are left out: what they measured is memory. Notebook 06.
"""

from collections.abc import Iterable

import pandas as pd

from pmt_helpers.datasets.files import paper_table
from pmt_helpers.device.fits import varying_only
from pmt_helpers.device.logs import Log, seconds_of_spans
from pmt_helpers.teaching.figures.style import BLUE, GREEN, GREY, ORANGE, OTHERS, VERMILION

PAPER = "paper-digitised"
OBTAINED = {
    "measured-pi": "measured on a Raspberry Pi",
    "measured-host": "measured on this kind of computer",
    "measured-host-constrained": "measured under a memory limit",
    "emulated-raspi3b-icount": "emulated Raspberry Pi 3B (instructions counted)",
    PAPER: "digitised from the paper",
    "predicted": "predicted",
}
MEMORY_ONLY = ("measured-host-constrained",)  # a limit changes seconds too, and such a machine may be an emulated one
KERNELS = {
    "python": "plain Python",
    "numpy": "NumPy",
    "numba": "Numba",
    "jax": "JAX",
    "keras_fit": "Keras fit",
    "keras_batch": "Keras batch",
}
MACHINE_LETTERS = 40  # of its name, in a legend
COLUMNS = {"documents": "n_documents", "words": "words_percent"}

# No model is drawn beside these, so the models' colours come last. The paper is grey, as everywhere.
_STYLES = (*OTHERS, (VERMILION, "cross"), (BLUE, "circle"), (GREEN, "diamond"), (ORANGE, "square"))
_PAPER_STYLE = (GREY, "circle-open")

Key = tuple[str, str, str]  # origin; kernel or ""; machine, "" where the origin has one only


def obtained(origin: str) -> str:
    """The origin in words. Raises ValueError for one that the logs do not have."""
    if origin not in OBTAINED:
        raise ValueError(f"unknown origin {origin!r}; the logs have {', '.join(OBTAINED)}")
    return OBTAINED[origin]


def of_one_origin(frame: pd.DataFrame, figure: str) -> str:
    """The only origin of these rows, in words. Raises ValueError when there are several."""
    origins = list(dict.fromkeys(frame["origin"].astype(str)))
    if len(origins) != 1:
        listed = ", ".join(origins)
        raise ValueError(f"{figure} adds up numbers of one origin; these rows have {listed}: draw a figure for each")
    return obtained(origins[0])


def with_origin(title: str, origin: str) -> str:
    """An axis title with how the numbers were obtained (in words) below it."""
    return f'{title}<br><span style="font-size:12px">{origin}</span>'


def kernel_name(kernel: str) -> str:
    """`keras_fit` -> "Keras fit"; a kernel that is not known keeps its name."""
    return KERNELS.get(kernel) or _untagged(kernel)


def _untagged(name: str) -> str:
    """A name that a log brings: Plotly would show <a href=...> in it as a link."""
    return name.replace("<", "‹")


def kernels_of(rows: pd.DataFrame) -> pd.Series:
    """Each row's kernel; "", a group of its own, where a row has none."""
    if "kernel" not in rows:
        return pd.Series("", rows.index, dtype=object)
    kernel = rows["kernel"].astype(object)
    return kernel.where(kernel.notna(), "").astype(str)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of KERNELS, unknown ones last."""
    return frame.sort_values("kernel", key=lambda kernels: kernels.map(_kernel_place), kind="stable")


def _kernel_place(kernel: str) -> int:
    kernels = ["", *KERNELS]
    return kernels.index(kernel) if kernel in kernels else len(kernels)


def by_series(frame: pd.DataFrame) -> dict[Key, pd.DataFrame]:
    """The rows of each origin, kernel and machine, in the order of OBTAINED and KERNELS.

    Two origins are never one series, nor are two machines of one origin. frame: a column machine is not needed.
    """
    for origin in frame["origin"].astype(str).unique():
        obtained(origin)
    keyed = frame.assign(origin=frame["origin"].astype(str), kernel=kernels_of(frame))
    machine = keyed["machine"].fillna("").astype(str) if "machine" in keyed else pd.Series("", keyed.index)
    several = machine.groupby(keyed["origin"]).transform("nunique") > 1
    groups: dict[Key, pd.DataFrame] = {
        (str(origin), str(kernel), str(which)): rows
        for (origin, kernel, which), rows in keyed.groupby(["origin", "kernel", machine.where(several, "")], sort=False)
    }
    origins = list(OBTAINED)
    return dict(sorted(groups.items(), key=lambda item: (origins.index(item[0][0]), _kernel_place(item[0][1]))))


def series_names(keys: Iterable[Key]) -> dict[Key, str]:
    """What the legend calls each series: how it was obtained, after its kernel and machine where these differ."""
    keys = list(keys)
    several = len({kernel for _, kernel, _ in keys if kernel}) > 1
    names = {}
    for origin, kernel, machine in keys:
        parts = [kernel_name(kernel)] if several and kernel else []
        parts += [_untagged(machine[:MACHINE_LETTERS])] if machine else []
        names[origin, kernel, machine] = ", ".join([*parts, obtained(origin)])
    return names


def within_colours(series: dict[Key, pd.DataFrame]) -> tuple[dict[Key, pd.DataFrame], str]:
    """The first series, as many as there are colours, and a sentence that names the others; "" where all are in."""
    ours = [key for key in series if key[0] != PAPER]
    left_out = ours[len(_STYLES) :]
    names = series_names(series)
    listed = "; ".join(names[key] for key in left_out)
    kept = {key: rows for key, rows in series.items() if key not in left_out}
    return kept, f" Not drawn, since no colour is left: {listed}." if left_out else ""


def series_styles(keys: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[str, str]]:
    """Colour and symbol of each series, never one colour twice. Raises ValueError for more series than colours."""
    keys = list(keys)
    ours = [key for key in keys if key[0] != PAPER]
    if len(ours) > len(_STYLES) or len(keys) - len(ours) > 1:
        raise ValueError(
            f"{len(keys)} series look too much alike: draw at most {len(_STYLES)}, one of them the paper's"
        )
    return dict.fromkeys(keys, _PAPER_STYLE) | dict(zip(ours, _STYLES, strict=False))


def spans_of(logs: Iterable[Log]) -> pd.DataFrame:
    """The spans of all these logs, each row with its origin, machine and run_id."""
    spans = []
    for log in logs:
        texts = {name: object for name in ("phase", "task", "kernel") if name in log.spans}
        spans.append(
            log.spans.assign(origin=log.origin, machine=log.machine, run_id=log.header["run_id"]).astype(texts)
        )
    return pd.concat(spans, ignore_index=True)


def training_rows(spans: pd.DataFrame, epochs: int = 1) -> pd.DataFrame:
    """Seconds of `epochs` epochs: origin, machine, kernel, n_samples, seconds; one row per run and size.

    spans: as `spans_of` gives them. An epoch is the mean of those recorded. The paper's rows are whole trainings of its
    personal model (not of its local one, which Figure 7 has too), whose epochs nobody knows.
    """
    rows = _training_spans(spans, "n_samples")
    paper = rows[(rows["origin"] == PAPER) & ~rows["run_id"].str.endswith("-local")]
    groups = rows[rows["origin"] != PAPER].groupby(["origin", "machine", "run_id", "kernel", "n_samples"], sort=False)
    ours = groups[["seconds", "updates"]].sum().reset_index()
    ours["seconds"] *= epochs * ours["n_samples"] / ours["updates"]
    return pd.concat([ours, paper], ignore_index=True)[["origin", "machine", "kernel", "n_samples", "seconds"]]


def iteration_rows(spans: pd.DataFrame, by: str = "documents") -> pd.DataFrame:
    """Median seconds of an iteration, one row per run and size.

    Columns: origin, machine, kernel, n_documents or words_percent, seconds. spans: as `spans_of` gives them.
    by: "documents" (each number of documents with all its words) or "words" (the most
    documents with a share of theirs). The points of the paper's Figure 8 come last.
    """
    rows = _training_spans(spans, "n_documents")
    rows = rows[rows["origin"] != PAPER]
    run = ["machine", "run_id", "kernel"]
    rows["words_percent"] = 100 * rows["n_words"] / rows.groupby(run)["n_words"].transform("max")
    rows["seconds"] *= rows["n_tokens"] / rows["updates"]  # a span may hold several iterations
    varied = varying_only(rows, "n_documents" if by == "documents" else "n_words")
    medians = varied.groupby(["origin", *run, COLUMNS[by]], sort=False)["seconds"].median().reset_index()
    part, size = {"documents": ("a", "documents"), "words": ("b", "vocabulary")}[by]
    paper = paper_table(f"fig8{part}_seconds_per_iteration_by_{size}").rename(columns={size: COLUMNS[by]})
    paper = paper.assign(origin=PAPER, machine="", kernel="").astype({COLUMNS[by]: float})
    columns = ["origin", "machine", "kernel", COLUMNS[by], "seconds"]
    return pd.concat([medians[columns], paper[columns]], ignore_index=True)


def _training_spans(spans: pd.DataFrame, size: str) -> pd.DataFrame:
    """The training spans of one task, with kernel and seconds, which not all logs have."""
    if size not in spans:
        raise ValueError(f"no span has {size}: these logs are of another task")
    rows = spans[(spans["phase"] == "train") & spans[size].notna() & ~spans["origin"].isin(MEMORY_ONLY)]
    if "machine" not in rows:
        rows = rows.assign(machine="")
    return rows.assign(kernel=kernels_of(rows), seconds=seconds_of_spans(rows))
