"""Seconds and memory of kernels in logs: lines with intervals (Figures 7, 8a, 8b), phases, peaks. Notebook 06."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # its parts load on first use
from numpy.typing import ArrayLike

from pmt_helpers.device.cost_model import Work, kernel_cost, measured_work
from pmt_helpers.device.logs import Log, seconds_of_spans, series

SIZES = ("n_samples", "n_documents", "n_words")
SMALL_MB = 512  # Pi Zero 2 W


@dataclass(frozen=True)
class Line:
    """A fitted line; each pair of ends is its 95% interval. x_mean: where the band is narrowest."""

    slope: float
    intercept: float
    slope_low: float
    slope_high: float
    intercept_low: float
    intercept_high: float
    r2: float
    n: int
    x_mean: float

    def at(self, x: np.ndarray) -> np.ndarray:
        """Seconds on the line."""
        return self.intercept + self.slope * np.asarray(x, float)

    def band(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The interval of the line's height at x: of the mean, single points lie farther off."""
        x = np.asarray(x, float)
        half_intercept, half_slope = self.intercept_high - self.intercept, self.slope_high - self.slope
        half = np.sqrt(np.maximum(half_intercept**2 + half_slope**2 * (x**2 - 2 * x * self.x_mean), 0))
        return self.at(x) - half, self.at(x) + half


def fit_line(x: ArrayLike, seconds: ArrayLike) -> Line:
    """Least squares. x, seconds: (n,), n at least 3. Raises ValueError for fewer, or when all x are the same."""
    x, seconds = np.asarray(x, float), np.asarray(seconds, float)
    if len(x) < 3 or np.ptp(x) == 0 or x.shape != seconds.shape or not np.isfinite([x, seconds]).all():
        found = f"{len(x)} at {set(x.tolist())}, {len(seconds)} seconds"
        raise ValueError(f"a line with an interval needs x and seconds of three points of different size; got {found}")
    fit = scipy.stats.linregress(x, seconds)
    quantile = float(scipy.stats.t.ppf(0.975, len(x) - 2))
    half_slope, half_intercept = quantile * fit.stderr, quantile * fit.intercept_stderr
    return Line(
        slope=float(fit.slope),
        intercept=float(fit.intercept),
        slope_low=float(fit.slope - half_slope),
        slope_high=float(fit.slope + half_slope),
        intercept_low=float(fit.intercept - half_intercept),
        intercept_high=float(fit.intercept + half_intercept),
        r2=float(fit.rvalue**2) if np.ptp(seconds) else float("nan"),  # older SciPy says 0
        n=len(x),
        x_mean=float(x.mean()),
    )


def fit_logs(logs: Iterable[Log], by: str) -> dict[str, Line]:
    """A line for each kernel with three sizes or more, from logs of one origin. by: as in `seconds_by_size`.

    Where several machines recorded them, each has lines of its own, called "kernel, machine".
    Raises ValueError for more than one origin.
    """
    logs = [log for log in logs if by in log.spans]
    if not logs:
        return {}
    rows = seconds_by_size(series(logs, logs[0].origin), by)
    several = rows["machine"].nunique() > 1
    by_kernel = {
        f"{kernel}, {machine}" if several else str(kernel): of_kernel
        for (kernel, machine), of_kernel in rows.groupby(["kernel", "machine"])
    }
    return {kernel: fit_line(rows[by], rows["seconds"]) for kernel, rows in by_kernel.items() if rows[by].nunique() > 2}


def seconds_by_size(spans: pd.DataFrame, by: str) -> pd.DataFrame:
    """Seconds by size, one row per point: kernel, machine, the column `by`, seconds. spans: of logs.series.

    by "n_samples": seconds of a whole training, its epochs times their median, so that one interrupted epoch does not
    count. by "n_documents" or "n_words": of an iteration, the median again; documents with their whole vocabulary, and
    shares of the vocabulary of all documents. CPU time where it was recorded, else wall time.
    Raises ValueError for more than one origin.
    """
    if by not in SIZES:
        raise ValueError(f"sizes are {', '.join(SIZES)}; got {by!r}")
    if spans["origin"].nunique() > 1:
        raise ValueError(f"one origin per series; got {', '.join(sorted(set(spans['origin'])))}")
    rows = spans[spans["phase"] == "train"]
    rows = rows[rows[by].notna()] if by in rows else rows.iloc[:0]
    kernel = rows["kernel"].astype(str) if "kernel" in rows else "not known"
    rows = varying_only(rows.assign(seconds=seconds_of_spans(rows), kernel=kernel), by)
    if by != "n_samples" and {"n_tokens", "updates"} <= set(rows):
        rows = rows.assign(seconds=rows["seconds"] * rows["n_tokens"] / rows["updates"])  # several iterations per span
    turn = "epoch" if by == "n_samples" else "iteration"
    if turn not in rows or rows[turn].isna().all():
        return rows[["kernel", "machine", by, "seconds"]].reset_index(drop=True)
    grouped = rows.groupby(["kernel", "machine", by, "run_id"], observed=True)["seconds"]
    totals = grouped.median() * grouped.size() if by == "n_samples" else grouped.median()
    return totals.reset_index()[["kernel", "machine", by, "seconds"]]


def varying_only(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Where documents and words were both varied, the rows in which only `by` was."""
    if by == "n_documents" and "n_words" in rows:
        most = rows.groupby(["kernel", "run_id", "n_documents"], observed=True)["n_words"].transform("max")
        return rows[rows["n_words"] == most]
    if by == "n_words" and "n_documents" in rows:
        most = rows.groupby(["kernel", "run_id"], observed=True)["n_documents"].transform("max")
        return rows[rows["n_documents"] == most]
    return rows


def time_by_phase(logs: Iterable[Log], table: pd.DataFrame | None = None, updates: int = 6000) -> pd.DataFrame:
    """Where the seconds of each kernel and machine go, for one set-up and the same number of updates; of one origin.

    Columns: origin, machine, task, kernel, updates, setup, interpreter, arithmetic. However many updates a kernel's
    logs have timed: 6,000 are a hundred passes over sixty windows. Arithmetic is what the compiled loop needs for them:
    by its own log of this origin, or else by counted instructions; the interpreter is the rest of the training, with
    JAX and Keras what these libraries do around it.
    """
    logs = list(logs)
    origin = logs[0].origin
    series(logs, origin)  # refuses logs of another
    machines: dict[str, list[Log]] = {}
    for log in logs:
        machines.setdefault(log.machine, []).append(log)
    rows = [(origin, machine, *row) for machine, of_it in machines.items() for row in _phases(of_it, table, updates)]
    columns = ["origin", "machine", "task", "kernel", "updates", "setup", "interpreter", "arithmetic"]
    return pd.DataFrame(rows, columns=columns)


def _phases(
    logs: list[Log], table: pd.DataFrame | None, updates: int
) -> list[tuple[str, str, int, float, float, float]]:
    """The rows of time_by_phase for one machine."""
    origin = logs[0].origin
    spans = series(logs, origin)
    train = spans[spans["phase"] == "train"]
    if not {"task", "kernel", "updates"} <= set(train):
        raise ValueError(f"the logs of {origin} do not say how many updates they timed")
    pairs = train[["task", "kernel"]].dropna().astype(str).drop_duplicates().itertuples(index=False)
    work = {(task, kernel): _total_work(logs, kernel, task) for task, kernel in pairs}
    rows = []
    for (task, kernel), (timed, seconds, setup) in work.items():
        seconds *= updates / timed
        if (task, "numba") in work:
            compiled = work[task, "numba"]
            arithmetic = updates * compiled.seconds / compiled.updates
        else:
            arithmetic = seconds * kernel_cost(task, "numba", table)[0] / kernel_cost(task, kernel, table)[0]
        arithmetic = min(arithmetic, seconds)
        rows.append((task, kernel, updates, setup, seconds - arithmetic, arithmetic))
    return rows


def _total_work(logs: list[Log], kernel: str, task: str) -> Work:
    """The updates and seconds of all logs that have the kernel, and the mean set-up of one."""
    works = []
    for log in logs:
        try:
            works.append(measured_work(log, kernel, task))
        except ValueError:  # this log is of other kernels
            continue
    return Work(sum(w.updates for w in works), sum(w.seconds for w in works), sum(w.setup for w in works) / len(works))


def memory_by_kernel(logs: Iterable[Log]) -> pd.DataFrame:
    """Peak resident memory, one row per log, smallest first.

    Columns: origin, machine, task, kernel, peak_mb, left_mb, fits, limited_mb. left_mb: what a
    board of SMALL_MB has left for its system. limited_mb: the limit the log was recorded under, or NaN.
    A process keeps its peak, so that logs of several kernels say nothing of the later ones: they are left out, as are
    logs without memory.
    """
    rows = []
    for log in logs:
        spans = log.spans
        if not {"kernel", "task", "peak_rss_mb"} <= set(spans) or spans["kernel"].nunique() != 1:
            continue
        task, kernel = (str(spans[name].dropna().iloc[0]) for name in ("task", "kernel"))
        peak = float(spans["peak_rss_mb"].max())
        limited = log.header.get("mem_limit_mb", float("nan"))
        rows.append((log.origin, log.machine, task, kernel, peak, SMALL_MB - peak, peak < SMALL_MB, limited))
    columns = ["origin", "machine", "task", "kernel", "peak_mb", "left_mb", "fits", "limited_mb"]
    return pd.DataFrame(rows, columns=columns).sort_values("peak_mb", ignore_index=True)
