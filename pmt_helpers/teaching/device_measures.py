"""Measured values for the claims about the device (section V-B of the paper); `measures.py` has the others."""

from collections.abc import Callable, Iterator
from functools import lru_cache

import pandas as pd

from pmt_helpers.datasets.locations import shipped
from pmt_helpers.device.energy import raw_bytes, training_energy, upload_energy
from pmt_helpers.device.fits import fit_logs
from pmt_helpers.device.logs import Log, read_logs
from pmt_helpers.device.memory import memory_by_kernel
from pmt_helpers.device.model import predict_seconds
from pmt_helpers.device.paper_times import paper_slope, seconds_an_iteration

OURS = ("measured-host", "emulated-raspi3b-icount")
NETWORK_KERNELS = ("numpy", "numba", "jax", "keras_fit", "keras_batch")
BOARD, EPOCHS, WINDOWS = "3b", 1000, 160


@lru_cache(maxsize=1)
def _logs() -> dict[str, tuple[Log, ...]]:
    return read_logs(shipped("pi_logs"))


def _ours() -> Iterator[tuple[str, tuple[Log, ...]]]:
    logs = _logs()
    return ((origin, logs[origin]) for origin in OURS if origin in logs)


def _straightness(by: str) -> pd.Series:
    """R2 by origin and kernel."""
    return pd.Series(
        {f"{kernel}, {origin}": line.r2 for origin, logs in _ours() for kernel, line in fit_logs(logs, by).items()},
        dtype=float,
    )


def linear_in_samples() -> pd.Series:
    """R2 of the line of training seconds against samples, by kernel and origin; CPU time."""
    return _straightness("n_samples")


def linear_in_documents() -> pd.Series:
    """R2 of the line of an iteration's seconds against documents, by kernel and origin; CPU time."""
    return _straightness("n_documents")


def linear_in_words() -> pd.Series:
    """R2 of the line of an iteration's seconds against words of the vocabulary, by kernel and origin; CPU time."""
    return _straightness("n_words")


def inference_ms() -> pd.Series:
    """Median milliseconds of a prediction for one window, by kernel and origin."""
    found: dict[str, float] = {}
    for origin, logs in _ours():
        for log in logs:
            if "latency_ms_median" in log.spans:
                rows = log.spans.dropna(subset=["latency_ms_median"])
                found |= dict(zip(rows["kernel"].astype(str) + f", {origin}", rows["latency_ms_median"], strict=True))
    return pd.Series(found, dtype=float)


def ms_a_sample() -> pd.Series:
    """Predicted for a Pi 3B: milliseconds that one more window adds to a training of 1000 epochs, by kernel."""
    return pd.Series(
        {kernel: 1000 * predict_seconds(BOARD, kernel, EPOCHS, setup=False).seconds for kernel in NETWORK_KERNELS}
    )


def training_seconds() -> pd.Series:
    """Predicted for a Pi 3B: seconds to set up and to train on 100 windows for 1000 epochs, by kernel."""
    return pd.Series({kernel: predict_seconds(BOARD, kernel, 100 * EPOCHS).seconds for kernel in NETWORK_KERNELS})


def iteration_by_two_figures() -> float:
    """Seconds of an iteration by the paper's Figure 8a, over those by its Figures 8c and 8d."""
    return seconds_an_iteration().ratio


def energy_against_upload() -> pd.Series:
    """Joules above idle of the paper's training on 160 windows, over those of uploading them, by radio.

    Seconds are the paper's slope, the power is a Pi 3B's; each radio at its fastest and at its slowest.
    """
    local = training_energy(BOARD, WINDOWS * paper_slope().slope).above_idle
    uploads = upload_energy(raw_bytes(WINDOWS)).set_index("radio").loc[["Wi-Fi", "Bluetooth", "mobile 3G"]]
    ends = {"fast": uploads["low"], "slow": uploads["high"]}
    return pd.concat([(local / joules).add_suffix(f", {speed}") for speed, joules in ends.items()])


def keras_peak_mb() -> pd.Series:
    """Peak resident memory of a process that trains with Keras, in MB, by kernel and origin."""
    rows = memory_by_kernel(log for logs in _logs().values() for log in logs)
    rows = rows[rows["kernel"].str.startswith("keras")]
    return rows.set_index(rows["kernel"] + ", " + rows["origin"])["peak_mb"]


DEVICE_MEASURES: dict[str, Callable[[], "float | pd.Series"]] = {
    function.__name__: function
    for function in (
        linear_in_samples,
        linear_in_documents,
        linear_in_words,
        inference_ms,
        ms_a_sample,
        training_seconds,
        iteration_by_two_figures,
        energy_against_upload,
        keras_peak_mb,
    )
}
