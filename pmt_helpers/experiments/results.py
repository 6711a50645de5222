"""Stored result grids: a CSV in data/results and, beside it, a JSON that says where its numbers come from."""

import hashlib
import json
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path, shipped

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "keras", "jax", "numba", "gensim", "dp-accounting")


NEEDED = {"dataset", "dataset_digest", "command", "seed", "versions", "date", "seconds", "rows"}


def write_grid(frame: pd.DataFrame, path: str | Path, *, digits: int = 5, **provenance: Any) -> Path:
    """Write a tidy frame and its provenance; pass dataset, dataset_digest, command, seed and seconds.

    Raises ValueError when one of them is missing: a number without its origin is not stored.
    """
    path = Path(path)
    record = {
        **provenance,
        "date": datetime.now(UTC).date().isoformat(),
        "rows": len(frame),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }
    if missing := NEEDED - set(record):
        raise ValueError(f"{path.name}: provenance lacks {', '.join(sorted(missing))}")
    with atomic_path(path) as part:
        frame.to_csv(part, index=False, float_format=f"%.{digits}f", lineterminator="\n")
    with atomic_path(path.with_suffix(".json")) as part:
        part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


def read_grid(name: str) -> pd.DataFrame:
    """The grid data/results/`name`.csv; its provenance is in `.attrs`.

    Raises DataError when the grid is missing, or stands there without its provenance or with another number of rows.
    """
    path = shipped("results", f"{name}.csv")
    beside = path.with_suffix(".json")
    for file in (path, beside):
        if not file.is_file():
            raise DataError(
                file=file,
                expected="a stored grid and its provenance",
                found="no file",
                remedy="recompute it with python -m pmt_helpers sweep, or take it from the repository",
            )
    frame = pd.read_csv(path)
    frame.attrs = json.loads(beside.read_text(encoding="utf-8"))
    if frame.attrs.get("rows") != len(frame):
        raise DataError(
            file=path,
            expected=f"{frame.attrs.get('rows')} rows, as its provenance says",
            found=f"{len(frame)} rows",
            remedy="take both files from the same commit",
        )
    return frame


def activity_digest(data: ActivityData) -> str:
    """sha256 over a data set's features, labels and users, so that a grid can say on what exactly it was computed."""
    digest = hashlib.sha256()
    for array in (data.X, data.y, data.users):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
