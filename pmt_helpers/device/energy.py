"""Joules: training at home against sending the raw windows away. Notebook 05, step 5.

Rough on both sides, so ranges: one busy core is taken to draw a quarter of what four draw above idle, and radios were
measured on a phone of their time, downloading.
"""

import math
from dataclasses import dataclass

import pandas as pd

from pmt_helpers.datasets.locations import shipped
from pmt_helpers.device.model import Device, find_device

HERTZ, AXES, BYTES_EACH, WINDOW_S = 20, 3, 4, 10.0  # WISDM's recordings, as 4-byte numbers


@dataclass(frozen=True)
class Joules:
    """Of a device while it trains on one core: all that it draws, and what is above an idle device."""

    total: float
    above_idle: float


def raw_bytes(windows: int, window_s: float = WINDOW_S) -> int:
    """Bytes of so many windows as they were recorded."""
    return round(windows * window_s * HERTZ * AXES * BYTES_EACH)


def training_energy(device: str | Device, seconds: float) -> Joules:
    """Raises ValueError for a device whose power nobody measured."""
    board = find_device(device)
    if math.isnan(board.idle_w) or math.isnan(board.stress_w):
        raise ValueError(f"the power of {board.name} under load is not in data/devices.csv: take another board")
    one_core = (board.stress_w - board.idle_w) / board.cores
    return Joules(seconds * (board.idle_w + one_core), seconds * one_core)


def upload_energy(n_bytes: float) -> pd.DataFrame:
    """Joules by radio: radio, low, high, source; from the fastest to the slowest link that was measured."""
    radios = pd.read_csv(shipped("radios.csv"))
    bits = 8 * n_bytes
    ends = {
        end: bits * (radios["a"] + radios["b"] * (radios[f"rate_{rate}_kbps"] - radios["c"]))
        for end, rate in (("low", "high"), ("high", "low"))
    }
    return pd.DataFrame({"radio": radios["radio"], **ends, "source": radios["source"]})


def compare_energy(device: str | Device, seconds: float, windows: int) -> pd.DataFrame:
    """Training and each way of uploading, in joules: what, kind ("training" | "upload"), low, high.

    Of training, low is what is above idle, high is all: which one counts depends on whether the device would be on
    anyway.
    """
    local, board = training_energy(device, seconds), find_device(device)
    rows = [(f"train on a {board.name}", "training", local.above_idle, local.total)]
    uploads = upload_energy(raw_bytes(windows))
    for radio, low, high in uploads[["radio", "low", "high"]].to_numpy().tolist():
        rows.append((f"upload by {radio}", "upload", low, high))
    return pd.DataFrame(rows, columns=["what", "kind", "low", "high"])
