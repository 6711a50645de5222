"""The notebooks, solved, with other parameters than the stored ones: they run through and nothing in them disagrees."""

import re
from pathlib import Path

import nbformat
import pytest

from pmt_helpers.datasets import load_recordings
from pmt_helpers.datasets.mine import write_as_phone
from pmt_helpers.datasets.wisdm import find_wisdm
from pmt_helpers.workbook.build import read_source, solved_copy
from pmt_helpers.workbook.files import ROOT, source_paths, write_notebook
from pmt_helpers.workbook.run import check_verdicts, run_notebooks

MOST_MEGABYTES = 800
ANOTHER_PERSON = {"PERSON": 2, "SEED": 1}
ON_WISDM = {"DATASET": "wisdm", "PERSON": 19, "SEED": 2}
AS_YOURSELF = {"DATASET": "mine", "SEED": 1}
BOARDS = [{"BOARD": board} for board in ("3b-plus", "4b", "5")]
no_wisdm = pytest.mark.skipif(find_wisdm() is None, reason="the WISDM data is not here: set PMT_DATA_HOME")


def runs() -> list[object]:
    """Each notebook with each set of parameters of which it has at least the first."""
    sets = [
        (ANOTHER_PERSON, ()),
        (ON_WISDM, no_wisdm),
        (AS_YOURSELF, ()),
        *((board, ()) for board in BOARDS),
        ({"SEED": 3}, ()),
    ]
    named = []
    for source in source_paths():
        text = source.read_text(encoding="utf-8")
        fitting = [
            (values, marks)
            for values, marks in sets
            if f"\n{next(iter(values))} = " in text and (values is not AS_YOURSELF or '"mine"' in text)
        ]
        for values, marks in fitting[:-1] or fitting:  # another seed alone only where there is no other person
            what = "-".join(map(str, values.values()))
            named.append(pytest.param(source, values, marks=marks, id=f"{source.stem}-{what}"))
    return named


@pytest.fixture(scope="module")
def my_recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recordings of a person of the watch, one file for each arm, as a phone would write them."""
    folder = tmp_path_factory.mktemp("my_recordings")
    for side in ("left", "right"):
        recordings = [r for r in load_recordings("watch") if (r.user, r.side) == (5, side)]
        write_as_phone(recordings, folder / f"{side}.csv")
    return folder


@pytest.mark.parametrize(("path", "values"), runs())
def test_it_runs_through_with_every_check_right(
    path: Path, values: dict[str, object], tmp_path: Path, my_recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if values is AS_YOURSELF:
        monkeypatch.setenv("PMT_RECORDINGS", str(my_recordings))
    solved = tmp_path / f"{path.stem}.ipynb"
    write_notebook(solved_copy(read_source(path)), solved)
    (run,) = run_notebooks([solved], tmp_path / "out", parameters=values, folder=ROOT / "notebooks", html=False)
    assert not run.failure
    assert run.peak_mb < MOST_MEGABYTES
    executed = nbformat.read(tmp_path / "out" / solved.name, as_version=4)
    assert set(check_verdicts(executed)) == {"right"}
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    plain = " ".join("".join(output.get("data", {}).get("text/plain", "")) for output in outputs)
    assert not re.search(r"\bnan\b", plain)
