"""A log of what a training costs, one JSON record a line: schema pi-profile/1. Notebook 05, step 1.

Standard library only, and Python 3.9: this file is also part of the one-file edition that a Pi runs.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pmt_helpers.device.readings import Readings, resident_mb

if sys.platform != "win32":
    import resource

SCHEMA = "pi-profile/1"
SETUP_PHASES = ("import", "load", "compile", "build")
WORK_PHASES = ("train", "inference")
PHASES = SETUP_PHASES + WORK_PHASES
ORIGINS = (
    "measured-pi",
    "measured-host",
    "measured-host-constrained",
    "emulated-raspi3b-icount",
    "paper-digitised",
    "predicted",
)
EMULATED = ("emulated-raspi3b-icount",)  # their thermometers and clocks are props


class Recorder:
    """Writes a header, then a record for each span and each second, then the end.

    path: a new file, or "-" for standard output; each record is written at once, and each span synced to the disk, so
    that a power cut costs one record. origin: one of ORIGINS. every_s: seconds between samples, 0 for none.
    Raises ValueError for an unknown origin, FileExistsError for a file that is there already.
    """

    def __init__(
        self,
        path: str | Path,
        origin: str,
        *,
        run_id: str | None = None,
        utc: str | None = None,
        note: str | None = None,
        task: str | None = None,
        every_s: float = 1.0,
        readings: Readings | None = None,
    ) -> None:
        if origin not in ORIGINS:
            raise ValueError(f"unknown origin {origin!r}; choose one of {', '.join(ORIGINS)}")
        self.path, self.origin, self.every_s = path, origin, every_s
        self._readings = readings or Readings()
        self._header = {
            "run_id": run_id or uuid.uuid4().hex[:12],
            "origin": origin,
            "utc": utc or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "note": note,
            "task": task,
        }
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._sampler: threading.Thread | None = None

    def __enter__(self) -> Recorder:
        self._file = sys.stdout if str(self.path) == "-" else open(self.path, "x", buffering=1)  # noqa: PTH123
        self._started = time.perf_counter()
        self._write("header", {"schema": SCHEMA, **self._header, **self._readings.machine()})
        if self.every_s:
            self._sampler = threading.Thread(target=self._samples, daemon=True)
            self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._sampler:
            self._sampler.join()
        self._write("end", {"t_s": self._now(), "peak_rss_mb": _usage().get("peak_rss_mb")})
        self._sync()
        if self._file is not sys.stdout:
            self._file.close()

    @contextmanager
    def span(self, phase: str, **counts: Any) -> Iterator[dict[str, Any]]:
        """Record what the block costs. Yields a dictionary for what is known only at its end.

        phase: one of PHASES. counts: what is counted, such as updates, n_samples, epoch; None is left out. A block that
        fails is recorded too, with the kind of its error.
        Raises ValueError for an unknown phase.
        """
        if phase not in PHASES:
            raise ValueError(f"unknown phase {phase!r}; choose one of {', '.join(PHASES)}")
        found: dict[str, Any] = {}
        error = None
        before, cpu, start = _usage(), time.process_time(), time.perf_counter()
        try:
            yield found
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            wall_s, cpu_s, after = time.perf_counter() - start, time.process_time() - cpu, _usage()
            since = {name: after[name] - before[name] for name in after if name != "peak_rss_mb"}
            record = {"phase": phase, "t_s": start - self._started, "wall_s": wall_s, "cpu_s": cpu_s, **since}
            memory = {"rss_mb": resident_mb(), "peak_rss_mb": after.get("peak_rss_mb"), "error": error}
            self._write("span", {**record, **memory, **counts, **found})
            self._sync()

    def sample(self) -> None:
        """Write one sample now; the recorder's own thread does so every second."""
        found = self._readings.sample(sensors=self.origin not in EMULATED)
        self._write("sample", {"t_s": self._now(), **found})

    def _samples(self) -> None:
        while not self._stop.wait(self.every_s):
            self.sample()

    def _now(self) -> float:
        return time.perf_counter() - self._started

    def _write(self, event: str, fields: dict[str, Any]) -> None:
        known = {name: _plain(value) for name, value in fields.items() if _is_known(value)}
        line = json.dumps({"ev": event, **known})
        with self._lock:
            self._file.write(line + "\n")

    def _sync(self) -> None:
        """To the disk, where there is one: pipes and serial lines have none."""
        self._file.flush()
        try:
            os.fsync(self._file.fileno())
        except (OSError, ValueError):
            return


def _usage() -> dict[str, float]:
    """Running totals of this process. Empty on Windows."""
    if sys.platform == "win32":
        return {}
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return {
        "peak_rss_mb": used.ru_maxrss / unit,
        "ctx_vol": used.ru_nvcsw,
        "ctx_invol": used.ru_nivcsw,
        "minflt": used.ru_minflt,
        "majflt": used.ru_majflt,
    }


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _plain(value: Any) -> Any:
    """Microseconds are fine enough; numbers of NumPy become Python's."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value
