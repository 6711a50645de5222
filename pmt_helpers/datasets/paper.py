"""The paper's figures as tables, read from its drawing operators (data/paper/README.md). Notebooks 02, 03 and 05."""

import pandas as pd

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.locations import shipped


def paper_table(name: str) -> pd.DataFrame:
    """One table of data/paper, such as "fig3_accuracy_smooth". Raises DataError, naming those there are."""
    path = shipped("paper", f"{name}.csv")
    if not path.is_file():
        known = ", ".join(sorted(each.stem for each in shipped("paper").glob("*.csv")))
        raise DataError(file=path, expected=f"one of {known}", found=repr(name), remedy="check the spelling")
    return pd.read_csv(path)
