"""The 43 features of the whole watch data set: all windows at once, beside two loops. `make bench`."""

import time
from collections.abc import Callable

import numpy as np

from pmt_helpers.datasets import load_recordings
from pmt_helpers.datasets.features import cut_windows, extract_features, extract_features_loop

REPEATS = 5


def cpu_seconds(work: Callable[[], np.ndarray], repeats: int) -> tuple[float, np.ndarray]:
    """The fastest of `repeats` runs, in seconds of processor time, and the result."""
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        result = work()
        best = min(best, time.process_time() - started)
    return best, result


def main() -> None:
    """Print seconds, the ratio measured side by side in this run, and the largest difference between the two."""
    recordings = load_recordings("watch")
    rate_hz, size = recordings[0].rate_hz, int(5 * recordings[0].rate_hz)
    windows = np.concatenate([cut_windows(r.signal, size, size // 2) for r in recordings])
    fast, features = cpu_seconds(lambda: extract_features(windows, rate_hz), REPEATS)
    single, _ = cpu_seconds(lambda: np.concatenate([extract_features(w[None], rate_hz) for w in windows]), 1)
    slow, expected = cpu_seconds(lambda: extract_features_loop(windows, rate_hz), 1)
    print(f"{len(windows)} windows of {size} readings, CPU seconds:")
    print(f"  all windows at once             {fast:8.3f}")
    print(f"  the same, one window a call     {single:8.3f}   {single / fast:.1f} times as long")
    print(f"  plain loop over every reading   {slow:8.3f}   {slow / fast:.0f} times as long")
    print(f"  largest difference of the two   {np.abs(features - expected).max():8.1e}")


if __name__ == "__main__":
    main()
