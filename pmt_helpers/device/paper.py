"""What the paper's seconds cannot tell: figures that disagree, and epochs not stated. Notebook 05, step 6."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pmt_helpers.datasets.files import atomic_path, paper_table
from pmt_helpers.device.cost_model import find_device, predict_seconds
from pmt_helpers.device.fits import Line, fit_line
from pmt_helpers.device.pi_profile import SCHEMA

DOCUMENTS = 200  # of the shared models in Figures 8c and 8d, by the text


@dataclass(frozen=True)
class Disagreement:
    """Seconds of one iteration at 200 documents, by two figures of the paper."""

    by_documents: float  # Figure 8a
    to_likelihood: float  # the slope of Figure 8c against Figure 8d
    low: float  # of 8c over 8d, the smallest
    high: float

    @property
    def ratio(self) -> float:
        return self.by_documents / self.to_likelihood


def seconds_an_iteration() -> Disagreement:
    """Figure 8a says it, and so does 8c (seconds to a likelihood) with 8d (iterations to it)."""
    eight_a = paper_table("fig8a_seconds_per_iteration_by_documents").set_index("documents")["seconds"]
    both = paper_table("fig8c_seconds_to_likelihood").merge(paper_table("fig8d_iterations_to_likelihood"))
    each = both["seconds"] / both["iterations"]
    slope = fit_line(both["iterations"], both["seconds"]).slope
    return Disagreement(float(eight_a[DOCUMENTS]), slope, float(each.min()), float(each.max()))


def paper_slope(model: str = "personal") -> Line:
    """Figure 7: seconds against samples; model "local" or "personal"."""
    rows = paper_table("fig7_training_time_points").query("model == @model")
    return fit_line(rows["n_samples"], rows["seconds"])


def epochs_that_agree(
    device: str = "3b", kernels: tuple[str, ...] = ("numpy", "jax", "numba"), table: pd.DataFrame | None = None
) -> pd.DataFrame:
    """How many epochs would turn Figure 7's seconds a sample into each kernel's cost: kernel, epochs, low, high.

    Any cost agrees with some number of epochs, and the paper states none for this figure: so it says nothing about
    the cost of an update. Set-up is no part of a slope.
    """
    seconds, band = paper_slope().slope, find_device(device)
    rows = []
    for kernel in kernels:
        one = predict_seconds(band, kernel, 1, setup=False, table=table)
        rows.append((kernel, seconds / one.seconds, seconds / one.high, seconds / one.low))
    return pd.DataFrame(rows, columns=["kernel", "epochs", "low", "high"])


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
