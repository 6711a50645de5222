"""Stored result grids: a CSV in data/results and, beside it, a JSON that says where its numbers come from."""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pmt_helpers.activity.online import PATIENCE
from pmt_helpers.datasets.base import ActivityData, DocumentData
from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path, shipped
from pmt_helpers.datasets.mine import base_name

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "keras", "jax", "numba", "gensim", "dp-accounting")
KERAS = ("numpy", "keras", "jax", "numba")  # what results of activity models depend on
NEEDED = {"dataset", "dataset_digest", "command", "seed", "versions", "date", "seconds", "rows"}


@dataclass(frozen=True)
class Result:
    """Tables by grid name, and what of their provenance the experiment knows.

    digits: after the decimal point. settings: options of the command that gives these tables alone, where they differ
    from those it was called with. more: further provenance.
    """

    tables: Mapping[str, pd.DataFrame]
    dataset: str
    digest: str
    seed: int | list[int]
    digits: int = 5
    settings: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def write(self, folder: Path, command: str, seconds: float) -> list[Path]:
        """Write every table into `folder`, with its provenance; returns the paths of the CSV files."""
        origin = {"dataset": self.dataset, "dataset_digest": self.digest, "command": command, "seed": self.seed}
        return [
            write_grid(table, folder / f"{name}.csv", digits=self.digits, **origin, seconds=round(seconds), **self.more)
            for name, table in self.tables.items()
        ]


def write_grid(frame: pd.DataFrame, path: str | Path, *, digits: int = 5, **provenance: Any) -> Path:
    """Write a tidy frame and its provenance; pass dataset, dataset_digest, command, seed and seconds.

    Raises ValueError when one of them is missing: a number without its origin is not stored. Raises DataError when the
    file cannot be written.
    """
    path = Path(path)
    record = {
        **provenance,
        "date": datetime.now(UTC).date().isoformat(),
        "rows": len(frame),
        "versions": {"python": platform.python_version(), **library_versions(LIBRARIES)},
    }
    if missing := NEEDED - set(record):
        raise ValueError(f"{path.name}: provenance lacks {', '.join(sorted(missing))}")
    try:
        with atomic_path(path) as part:
            frame.to_csv(part, index=False, float_format=f"%.{digits}f", lineterminator="\n")
        with atomic_path(path.with_suffix(".json")) as part:
            part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            file=path, expected="a folder to write results to, with room in it", found=error.strerror or str(error),
            remedy="make room or choose another folder with --out; the same command goes on with what is computed",
        ) from error  # fmt: skip
    return path


def read_grid(name: str, command: str = "python -m pmt_helpers sweep") -> pd.DataFrame:
    """The grid data/results/`name`.csv, which `command` makes; its provenance is in `.attrs`. "mine" in a name stands
    for the data set that you joined: grids hold everybody else.

    Raises DataError when the grid is missing, or stands there without its provenance or with another number of rows.
    """
    path = shipped("results", f"{'_'.join(map(base_name, name.split('_')))}.csv")
    beside = path.with_suffix(".json")
    for file in (path, beside):
        if not file.is_file():
            remedy = f"recompute it with {command}, or take it from the repository"
            raise DataError(file=file, expected="a stored grid and its provenance", found="no file", remedy=remedy)
    frame = pd.read_csv(path)
    frame.attrs = json.loads(beside.read_text(encoding="utf-8"))
    if frame.attrs.get("rows") != len(frame):
        expected, remedy = (
            f"{frame.attrs.get('rows')} rows, as its provenance says",
            "take both files from the same commit",
        )
        raise DataError(file=path, expected=expected, found=f"{len(frame)} rows", remedy=remedy)
    return frame


def activity_digest(data: ActivityData) -> str:
    """sha256 over a data set's features, labels and users, so that a grid can say on what exactly it was computed."""
    digest = hashlib.sha256()
    for array in (data.X, data.y, data.users):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def documents_digest(*collections: DocumentData | None) -> str:
    """sha256 over the counts and words of each collection of documents; None is left out."""
    digest = hashlib.sha256()
    for data in collections:
        if data is not None:
            for array in (data.counts.data, data.counts.indices, data.counts.indptr):
                digest.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
            digest.update("\n".join(data.vocabulary).encode())
    return digest.hexdigest()


def activity_plan(data: ActivityData, libraries: tuple[str, ...] = KERAS, **settings: Any) -> dict[str, Any]:
    """What the job results of an experiment on `data` depend on (with the patience at home)."""
    libraries_used = library_versions(libraries)
    return {"digest": activity_digest(data), "libraries": libraries_used, "patience": PATIENCE, **settings}


def library_versions(names: tuple[str, ...]) -> dict[str, str]:
    """The installed version of each library."""
    return {name: version(name) for name in names}
