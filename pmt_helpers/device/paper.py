"""What the paper's seconds cannot tell: figures that disagree, and epochs not stated. Notebook 06."""

from dataclasses import dataclass

import pandas as pd

from pmt_helpers.datasets.files import paper_table
from pmt_helpers.device.cost_model import predict_seconds
from pmt_helpers.device.fits import Line, fit_line

DOCUMENTS = 200  # of the shared models in Figures 8c and 8d, by the text


@dataclass(frozen=True)
class IterationSeconds:
    """Seconds per iteration at 200 documents, by figures of the paper. low, high: of single points of 8c over 8d."""

    figure_8a: float
    figure_8cd: float
    low: float
    high: float

    @property
    def ratio(self) -> float:
        return self.figure_8a / self.figure_8cd


def seconds_per_iteration() -> IterationSeconds:
    """Figure 8a says it, and so does the slope of 8c (seconds to a likelihood) against 8d (iterations to it)."""
    figure_8a = paper_table("fig8a_seconds_per_iteration_by_documents").set_index("documents")["seconds"]
    both = paper_table("fig8c_seconds_to_likelihood").merge(paper_table("fig8d_iterations_to_likelihood"))
    ratios = both["seconds"] / both["iterations"]
    slope = fit_line(both["iterations"], both["seconds"]).slope
    return IterationSeconds(float(figure_8a[DOCUMENTS]), slope, float(ratios.min()), float(ratios.max()))


def paper_slope(model: str = "personal") -> Line:
    """Figure 7: seconds against samples; model "local" or "personal"."""
    table = paper_table("fig7_training_time_points")
    rows = table[table["model"] == model]
    if rows.empty:
        raise ValueError(f"unknown model {model!r}; choose one of {', '.join(table['model'].unique())}")
    return fit_line(rows["n_samples"], rows["seconds"])


def implied_epochs(
    device: str = "3b", kernels: tuple[str, ...] = ("numpy", "jax", "numba"), table: pd.DataFrame | None = None
) -> pd.DataFrame:
    """How many epochs would turn each kernel's cost into Figure 7's seconds per sample: kernel, epochs, low, high.

    Any cost agrees with some number of epochs, and the paper states none for this figure: so it says nothing about
    the cost of an update. Set-up is no part of a slope.
    """
    seconds = paper_slope().slope
    rows = []
    for kernel in kernels:
        update = predict_seconds(device, kernel, 1, setup=False, table=table)
        rows.append((kernel, seconds / update.seconds, seconds / update.high, seconds / update.low))
    return pd.DataFrame(rows, columns=["kernel", "epochs", "low", "high"])
