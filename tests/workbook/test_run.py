"""Running through papermill: seconds, memory, checks and failures are told; a page needs no network."""

import csv
import re
from pathlib import Path

import nbformat
import pytest

from pmt_helpers.workbook.files import PLOTLY, write_notebook
from pmt_helpers.workbook.run import Run, check_verdicts, peak_megabytes, run_notebooks, table

SOUND = [
    "SEED = 0\nDATASET = 'watch'",
    "import os, time\nblock = b'x' * 150_000_000\ntime.sleep(0.5)\nlength = len(block)\ndel block",
    f"""
from IPython.display import display
figure = {{"data": [{{"y": [1, 2], "name": "</script>"}}], "layout": {{}}}}
display({{{PLOTLY!r}: figure, "text/plain": "Up."}}, raw=True)
for words in ("Right: yes.", "To do: write it.", "Not yet: no."):
    display({{"text/plain": words, "text/html": words}}, raw=True)""",
    "import ipywidgets\nipywidgets.IntSlider()",
    "print(DATASET, os.path.exists(os.environ['PMT_WORKBOOK_FILE']))",
]
STOPS = ["print('so far')", "# the next line fails\nraise ValueError('no data')", "print('never')"]
HANGS = ["print('so far')", "import time\ntime.sleep(600)"]


def store(path: Path, sources: list[str]) -> Path:
    cells = [nbformat.v4.new_code_cell(source.strip(), id=f"c{place}") for place, source in enumerate(sources)]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    write_notebook(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runner")


@pytest.fixture(scope="module")
def runs(folder: Path) -> dict[str, Run]:
    """A notebook that stops, then a sound one, then one that hangs, run once for every test below."""
    few = [store(folder / "00_stops.ipynb", STOPS), store(folder / "01_sound.ipynb", SOUND)]
    done = run_notebooks(few, folder / "out", parameters={"DATASET": "wisdm"}, report=lambda line: None)
    hung = [store(folder / "02_hangs.ipynb", HANGS)]
    done += run_notebooks(hung, folder / "hung", cell_seconds=2, report=lambda line: None)
    return {run.notebook: run for run in done}


def test_seconds_memory_and_checks_are_told(runs: dict[str, Run]) -> None:
    sound = runs["01_sound"]
    assert not sound.failure
    assert 0.5 < sound.seconds < 60
    assert 150 < sound.peak_mb < 500, "the block was freed again, and still counts"
    assert (sound.right, sound.to_do, sound.not_yet) == (1, 1, 1)


def test_a_parameter_reaches_the_notebook_that_names_it_and_no_other(runs: dict[str, Run], folder: Path) -> None:
    def text(name: str) -> str:
        return (folder / "out" / f"{name}.ipynb").read_text(encoding="utf-8")

    assert "wisdm False" in text("01_sound")
    assert "wisdm" not in text("00_stops")


def test_a_notebook_that_stops_names_its_cell_keeps_its_start_and_lets_the_others_run(
    runs: dict[str, Run], folder: Path
) -> None:
    assert runs["00_stops"].failure == "00_stops, cell 2 (# the next line fails) stopped: ValueError: no data"
    partial = (folder / "out" / "00_stops.ipynb").read_text(encoding="utf-8")
    assert "so far" in partial
    assert "never\\n" not in partial
    assert not (folder / "out" / "00_stops.html").exists()
    assert (folder / "out" / "01_sound.html").exists()


def test_a_cell_that_hangs_is_given_up(runs: dict[str, Run]) -> None:
    hangs = runs["02_hangs"]
    assert hangs.seconds < 60
    assert hangs.failure.startswith("02_hangs, cell 2 (import time) stopped: it ran longer than 2 seconds")


def test_the_summary_is_written_and_printed(runs: dict[str, Run], folder: Path) -> None:
    with (folder / "out" / "summary.csv").open(encoding="utf-8") as file:
        rows = {row["notebook"]: row for row in csv.DictReader(file)}
    assert float(rows["01_sound"]["seconds"]) == runs["01_sound"].seconds
    assert "no data" in rows["00_stops"]["failure"]
    lines = table([runs["00_stops"], runs["01_sound"]])
    assert "1 / 1 / 1" in lines[2]
    assert "stopped, see below" in lines[1]
    assert lines[3] == runs["00_stops"].failure


def test_the_page_draws_its_figures_without_asking_the_network(runs: dict[str, Run], folder: Path) -> None:
    page = (folder / "out" / "01_sound.html").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[^>]*>", page) == ['<script src="plotly.min.js">']
    assert (folder / "out" / "plotly.min.js").stat().st_size > 1_000_000
    assert "import(" not in page
    assert page.count('class="pmt-frames"') == 1
    assert '</script>\\"' not in page
    assert r"\u003c/script>" in page, "a label cannot end the script it stands in"
    assert "widget-view" not in page


def test_the_stored_run_holds_no_widget(runs: dict[str, Run], folder: Path) -> None:
    notebook = nbformat.read(folder / "out" / "01_sound.ipynb", as_version=4)
    assert "widgets" not in notebook.metadata
    assert check_verdicts(notebook) == ["right", "to_do", "not_yet"]


def test_the_peak_of_a_process_that_has_ended_is_zero() -> None:
    assert peak_megabytes(2**22 + 1) == 0.0
