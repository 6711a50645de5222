"""The 43 features of the whole watch data set: ours beside tsfel and tsfresh, on the same windows. `make bench`.

Neither peer has all 43. Each computes those that it has, and for the others the nearest of its own; all of them in one
process. The resultant of a window's readings, and the layout that a peer wants its input in, are made off the clock.
The peers are no requirements of the workbook; CONTRIBUTING.md says how to have them measured.
"""

from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from parts.turns import first_line, in_turns, installed

from pmt_helpers.datasets import load_recordings
from pmt_helpers.datasets.features import AXES, FEATURE_NAMES, cut_windows, extract_features, extract_features_loop

ROUNDS = 5
OURS = "ours, all windows at once"
Work = Callable[[], pd.DataFrame]  # a line for each window


def signals_of(windows: np.ndarray) -> np.ndarray:
    """X, Y, Z and, as a fourth signal, their resultant: (n_windows, n_readings, 4)."""
    return np.dstack([windows, np.sqrt((windows**2).sum(2))])


def ours(windows: np.ndarray, rate_hz: float, extract: Callable[..., np.ndarray] = extract_features) -> Work:
    return lambda: pd.DataFrame(extract(windows, rate_hz), columns=FEATURE_NAMES)


def one_a_call(windows: np.ndarray, rate_hz: float) -> Work:
    return ours(windows, rate_hz, lambda all_, rate: np.concatenate([extract_features(w[None], rate) for w in all_]))


def plain_loop(windows: np.ndarray, rate_hz: float) -> Work:
    return ours(windows, rate_hz, extract_features_loop)


def tsfel(windows: np.ndarray, rate_hz: float) -> Work:
    import tsfel

    every = tsfel.get_features_by_domain()
    names = ("Mean", "Standard deviation", "Mean absolute deviation", "Histogram mode")
    peaks = every["temporal"]["Neighbourhood peaks"] | {"parameters": {"n": 1}}
    settings = {
        "statistical": {name: every["statistical"][name] for name in names},
        "temporal": {"Neighbourhood peaks": peaks},
    }
    options: dict[str, Any] = {"fs": rate_hz, "header_names": [*AXES, "R"], "n_jobs": None, "verbose": 0}
    signals = list(signals_of(windows))
    return lambda: tsfel.time_series_features_extractor(settings, signals, **options)


def tsfresh(windows: np.ndarray, rate_hz: float) -> Work:
    import tsfresh

    n_windows, n_readings, _ = windows.shape
    readings = pd.DataFrame(signals_of(windows).reshape(-1, 4), columns=[*AXES, "R"])
    readings["window"] = np.repeat(np.arange(n_windows), n_readings)
    features = {"mean": None, "standard_deviation": None, "mean_abs_change": None}
    features |= {"binned_entropy": [{"max_bins": 10}], "number_peaks": [{"n": 1}]}
    settings = {**dict.fromkeys(AXES, features), "R": {"mean": None}}
    options: dict[str, Any] = {"column_id": "window", "n_jobs": 0, "disable_progressbar": True}
    return lambda: tsfresh.extract_features(readings, kind_to_fc_parameters=settings, **options)


class Engine(NamedTuple):
    """make: its work on windows. every, times: a turn takes every such window, so often that it lasts about a second.

    same: its names of features that are ours too, and our names. instead: what it computes for the others.
    """

    make: Callable[[np.ndarray, float], Work]
    every: int
    times: int
    same: Mapping[str, str] = dict(zip(FEATURE_NAMES, FEATURE_NAMES, strict=True))
    instead: str = ""


def our_names(pattern: str, mean: str, **others: str) -> dict[str, str]:
    """A peer's names of our means and other summaries of each axis, and of the resultant."""
    axes = {
        pattern.format(axis, theirs): axis + own for own, theirs in {"AVG": mean, **others}.items() for axis in AXES
    }
    return {**axes, pattern.format("R", mean): "RESULTANT"}


ENGINES = {
    OURS: Engine(ours, 1, 5),
    "ours, one window a call": Engine(one_a_call, 1, 1),
    "ours, plain loop over readings": Engine(plain_loop, 10, 1),
    "tsfel": Engine(
        tsfel,
        1,
        1,
        our_names("{}_{}", "Mean", STANDDEV="Standard deviation", ABSOLDEV="Mean absolute deviation"),
        "the middle of the fullest of ten bins, not the share of each; the number of peaks, not the time between them",
    ),
    "tsfresh": Engine(
        tsfresh,
        1,
        1,
        our_names("{}__{}", "mean", STANDDEV="standard_deviation"),
        "the entropy of ten bins, not the share of each; the number of peaks, not the time between them; "
        "the mean absolute change from reading to reading, not the mean absolute deviation",
    ),
}


class Measured(NamedTuple):
    """Windows per second of processor time, one a round; and how far its features are from ours of the same name."""

    rates: list[float]
    difference: float


def measured(windows: np.ndarray, rate_hz: float, rounds: int = ROUNDS) -> tuple[dict[str, Measured], list[str]]:
    """Each engine that is installed, and a line for each package that is not."""
    engines, absent = installed(ENGINES, lambda engine: (engine, engine.make(windows[:: engine.every], rate_hz)))
    expected = ours(windows, rate_hz)()
    differences = {}
    for name, (engine, work) in engines.items():
        theirs = work().rename(columns=engine.same)[list(engine.same.values())]
        gaps = theirs.to_numpy() - expected.iloc[:: engine.every][theirs.columns].to_numpy()
        differences[name] = float(np.nanmax(np.abs(gaps)))

    def turn(engine: Engine, work: Work) -> None:
        for _ in range(engine.times):
            work()

    clocks = in_turns({name: partial(turn, *engine) for name, engine in engines.items()}, rounds)
    counts = {name: engine.times * len(windows[:: engine.every]) for name, (engine, _) in engines.items()}
    rates = {name: [counts[name] / clock.cpu for clock in clocks[name]] for name in engines}
    return {name: Measured(rates[name], differences[name]) for name in engines}, absent


def main() -> None:
    """Print one table, the median of the ratios of each round, and what the peers compute instead."""
    recordings = load_recordings("watch")
    rate_hz, size = recordings[0].rate_hz, int(5 * recordings[0].rate_hz)
    windows = np.concatenate([cut_windows(r.signal, size, size // 2) for r in recordings])
    engines, absent = measured(windows, rate_hz)
    print(first_line("numpy", "pandas", "tsfel", "tsfresh"))
    print(f"{len(windows)} windows of {size} readings of three axes; the best of {ROUNDS} rounds")
    print(f"{'engine':<34}{'windows/CPU s':>14}{'ours is x':>11}{'features of ours':>18}   largest difference")
    for name, (rates, difference) in engines.items():
        times = median(own / rate for own, rate in zip(engines[OURS].rates, rates, strict=True))
        print(f"{name:<34}{max(rates):>14,.0f}{times:>11.1f}{len(ENGINES[name].same):>18}   {difference:.1e}")
    for name in engines:
        if instead := ENGINES[name].instead:
            print(f"{name} computes {instead}")
    for line in absent:
        print(line)


if __name__ == "__main__":
    main()
