"""A log as it should be, line by line, for tests that spoil it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

HEADER = {
    "ev": "header",
    "schema": "pi-profile/1",
    "run_id": "r1",
    "origin": "measured-pi",
    "utc": "2026-05-01T12:00:00Z",
}
GOOD = [
    HEADER,
    {"ev": "span", "phase": "import", "t_s": 0.1, "wall_s": 0.5, "cpu_s": 0.4},
    {"ev": "sample", "t_s": 1.0, "temp_c": 48.5, "freq_mhz": [1200, 1400], "throttled": 0},
    {
        "ev": "span",
        "phase": "train",
        "t_s": 0.7,
        "wall_s": 1.0,
        "cpu_s": 0.9,
        "n_samples": 20,
        "epoch": 1,
        "updates": 20,
    },
    {"ev": "sample", "t_s": 2.0, "temp_c": 50.0},
    {"ev": "end", "t_s": 2.5, "peak_rss_mb": 40.0},
]


def text_of(records: list[dict]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


@pytest.fixture
def good() -> list[dict]:
    return [dict(record) for record in GOOD]


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """A log file of these records, or this text."""

    def write(records: list[dict] | str | bytes, name: str = "log.jsonl") -> Path:
        data = text_of(records) if isinstance(records, list) else records
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write
