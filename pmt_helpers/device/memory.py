"""What fits a small board: peak memory by kernel, from logs. Notebook 05, step 4."""

from collections.abc import Iterable

import pandas as pd

from pmt_helpers.device.logs import Log

SMALL_MB = 512  # Pi Zero 2 W


def memory_by_kernel(logs: Iterable[Log], limit_mb: float = SMALL_MB) -> pd.DataFrame:
    """Peak resident memory, a row a log: origin, task, kernel, peak_mb, left_mb, fits, limited_mb; the smallest first.

    left_mb: what a board of limit_mb has left for its system. limited_mb: the limit the log was recorded under, NaN for
    none. A process keeps its peak, so that logs of several kernels say nothing of the later ones: they are left out, as
    are logs without memory.
    """
    rows = []
    for log in logs:
        spans = log.spans
        if not {"kernel", "task", "peak_rss_mb"} <= set(spans) or spans["kernel"].nunique() != 1:
            continue
        task, kernel = (str(spans[name].dropna().iloc[0]) for name in ("task", "kernel"))
        peak = float(spans["peak_rss_mb"].max())
        limited = log.header.get("mem_limit_mb", float("nan"))
        rows.append((log.origin, task, kernel, peak, limit_mb - peak, peak < limit_mb, limited))
    columns = ["origin", "task", "kernel", "peak_mb", "left_mb", "fits", "limited_mb"]
    return pd.DataFrame(rows, columns=columns).sort_values("peak_mb", ignore_index=True)
