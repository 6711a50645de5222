"""The paper's own seconds as logs, so that they are read, and kept apart, like all others. Notebook 05, step 3.

Figures 7 and 8a only: the vocabulary of Figure 8b has no unit, and Figures 8c and 8d are no costs of an iteration.
"""

import json
from pathlib import Path

import pandas as pd

from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.datasets.paper import paper_table
from pmt_helpers.device.recorder import SCHEMA

_NOTE = "read from the drawing of the paper's Figure {figure} (data/paper): wall seconds; no CPU time, nor when"


def write_paper_logs(folder: str | Path) -> list[Path]:
    """Write a log for each model of Figure 7 (a training) and for Figure 8a (an iteration); returns their paths."""
    figure_7 = paper_table("fig7_training_time_points")
    figure_8 = paper_table("fig8a_seconds_per_iteration_by_documents").rename(columns={"documents": "n_documents"})
    runs = [
        (f"paper-digitised-figure7-{model}", "7", "activity", f"the {model} model", rows[["n_samples", "seconds"]])
        for model, rows in figure_7.groupby("model")
    ]
    runs.append(("paper-digitised-figure8a", "8a", "topics", "an iteration", figure_8))
    return [_write(Path(folder), *run) for run in runs]


def _write(folder: Path, name: str, figure: str, task: str, what: str, rows: pd.DataFrame) -> Path:
    header = {
        "ev": "header",
        "schema": SCHEMA,
        "run_id": name,
        "origin": "paper-digitised",
        "note": f"{what}, {_NOTE.format(figure=figure)}",
        "task": task,
    }
    spans = [
        {"ev": "span", "phase": "train", "task": task, size: int(n), "wall_s": float(seconds)}
        for size, (n, seconds) in ((rows.columns[0], row) for row in rows.itertuples(index=False))
    ]
    with atomic_path(folder / f"{name}.jsonl") as path:
        lines = (json.dumps(record) for record in (header, *spans, {"ev": "end"}))
        path.write_text("\n".join(lines) + "\n", "utf-8")
    return folder / f"{name}.jsonl"
