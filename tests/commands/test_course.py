"""python -m pmt_helpers course: collect, grade and report one after the other, and what each refuses."""

import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner

from pmt_helpers.__main__ import cli

RIGHT = "def accuracy(predicted, actual):\n    return np.mean(predicted == actual)"
WRONG = "def accuracy(predicted, actual):\n    return np.sum(predicted == actual)"


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["course", *map(str, arguments)])
    return done.exit_code, done.output


def hand_in(folder: Path, code: str) -> None:
    cells = [nbformat.v4.new_code_cell(text) for text in ("import numpy as np", f'{code}\ncheck("warm-up", accuracy)')]
    folder.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "00_start_here.ipynb")
    (folder / "my_workbook.json").write_text(json.dumps({"quiz": {"00-1": "Nothing", "99-1": 3, "00-0": [1]}}))


@pytest.fixture
def roster(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text("\ufeffName,Points last year\nAnn Lee,007\nBo Ek,\nCy Orr,1\n", encoding="utf-8")
    return path


def test_a_class_from_submissions_to_a_page(tmp_path, roster):
    hand_in(tmp_path / "in" / "Lee, Ann", RIGHT)
    hand_in(tmp_path / "in" / "bo ek", WRONG)
    code, said = run("collect", tmp_path / "in", "--out", tmp_path / "got", "--roster", roster)
    assert code == 0, said
    assert "Nothing from 1: Cy Orr" in said
    code, said = run("grade", tmp_path / "got", "--out", tmp_path / "out", "--notebooks", "00", "--roster", roster,
                     "--partial", "0.5")  # fmt: skip
    assert code == 0, said
    assert "warm-up shipped" in said
    table = pd.read_csv(tmp_path / "out" / "grades.csv", dtype=str)
    assert list(table["Points last year"].fillna("")) == ["007", "", "1"]
    assert list(table["total"]) == ["1.0", "0.5", "0.0"]
    assert "Right" in (tmp_path / "out" / "feedback" / "Ann Lee.html").read_text(encoding="utf-8")
    code, said = run("report", tmp_path / "out", "--out", tmp_path / "class.html", "--collected", tmp_path / "got")
    assert code == 0, said
    page = (tmp_path / "class.html").read_text(encoding="utf-8")
    assert "<td>1</td><td>count</td>" in page
    assert "<td>Nothing (right)</td><td>2</td><td>100%</td>" in page


@pytest.mark.parametrize("how", ["--nbgrader", "--variants"])
def test_what_is_for_the_lecturer_stands_apart_from_what_is_for_students(tmp_path, roster, how):
    secret = "481516234216"
    arguments = (how, roster) if how == "--variants" else (how,)
    code, said = run("release", tmp_path / "out", *arguments, "--seed", secret, "--without", "01,02,03,04,05,06,07")
    assert code == 0, said
    assert "lecturer is for you alone" in said
    holds = {path.relative_to(tmp_path / "out").parts[0] for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert holds == {"workbook", "lecturer", *(["students"] if how == "--variants" else [])}
    files = [
        path.relative_to(tmp_path / "out" / "lecturer").as_posix()
        for path in (tmp_path / "out").glob("lecturer/**/*.*")
    ]
    assert (
        sorted(files)
        == {
            "--nbgrader": ["nbgrader_config.py", "source/00_start_here/00_start_here.ipynb"],
            "--variants": ["variants.csv"],
        }[how]
    )
    shown = [path for path in (tmp_path / "out").rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert [path.name for path in shown] == (["nbgrader_config.py"] if how == "--nbgrader" else [])
    if how == "--variants":
        assert sorted(path.name for path in (tmp_path / "out" / "students").iterdir()) == ["Ann Lee", "Bo Ek", "Cy Orr"]


def test_what_cannot_be_done_is_refused_in_a_sentence(tmp_path, roster):
    (tmp_path / "full" / "old").mkdir(parents=True)
    for arguments, code, words in (
        (("grade", tmp_path / "full", "--notebooks", "00,77"), 2, "found 77"),
        (("collect", tmp_path / "full", "--out", tmp_path / "full"), 1, "not empty"),
        (("release", tmp_path / "full"), 1, "not empty"),
        (("release", tmp_path / "new", "--variants", roster, "--seed", 12), 2, "12 digits or more"),
        (("release", tmp_path / "new", "--variants", roster, "--nbgrader"), 2, "one notebook for all"),
        (("release", tmp_path / "new", "--seed", 481516234216), 2, "--seed needs"),
        (("release", tmp_path / "new", "--partial", 0.5), 2, "--partial needs"),
        (
            ("release", tmp_path / "new", "--variants", roster, "--seed", 481516234216, "--partial", 1),
            2,
            "--partial needs",
        ),
        (("grade", tmp_path / "full" / "old"), 1, "no student's folder"),
        (("report", tmp_path / "full"), 1, "holds no verdicts.csv"),
    ):
        done, said = run(*arguments)
        assert done == code, said
        assert words in said
    assert not (tmp_path / "new").exists()
    roster.write_text("Name\nA/n\nA:n\n")
    code, said = run("grade", tmp_path / "full", "--roster", roster)
    assert code == 1
    assert "stands twice" in said
