"""A plugin of pytest: nbval runs the cells, and pmt_helpers.workbook.compare judges what they show.

nbval itself compares outputs to the letter, and another processor rounds otherwise.
"""

from typing import Any

from nbformat import v4
from nbval.plugin import IPyNbCell

from pmt_helpers.workbook.compare import differences
from pmt_helpers.workbook.files import normalise

METADATA = {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}


def compare_outputs(cell: IPyNbCell, fresh: list[Any], stored: list[Any], skip_compare: Any = None) -> bool:
    """Whether the fresh outputs are the stored ones; what differs goes where nbval looks for it."""
    before, now = (
        normalise(v4.new_notebook(cells=[v4.new_code_cell(outputs=outputs)], metadata=METADATA))
        for outputs in (stored, fresh)
    )
    cell.comparison_traceback = [f"DIFFERENCE {what}" for _, what in differences(before, now)]
    return not cell.comparison_traceback


IPyNbCell.compare_outputs = compare_outputs
