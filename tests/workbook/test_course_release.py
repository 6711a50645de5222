"""What students get holds no solution to read or import, and judges as the lecturer's copy does."""

import inspect
import json
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from pmt_helpers.teaching.exercises import NOTEBOOKS, all_exercises, find_exercise
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.teaching.exercises.nb01 import sgd_step
from pmt_helpers.workbook.build import BEGIN, read_source, solution_regions
from pmt_helpers.workbook.course.answers import submitted_answers
from pmt_helpers.workbook.course.cases import fresh_cases, seed_of
from pmt_helpers.workbook.course.grading import chosen_exercises, grade_student
from pmt_helpers.workbook.course.releasing import release_workbook, write_variants
from pmt_helpers.workbook.files import ROOT, NotebookError, source_paths

JUDGE = """
import json, sys, typing, collections.abc
import numpy as np, scipy.stats
import pmt_helpers
from pmt_helpers.teaching.exercises import find_exercise, NOTEBOOKS
from pmt_helpers.teaching.exercises.judging import judge
told = {}
for exercise, codes in json.load(sys.stdin).items():
    for number, (name, code) in enumerate(codes):
        names = {"np": np, "json": json, "Any": typing.Any, "Sequence": collections.abc.Sequence, "t": scipy.stats.t}
        names["Array"] = np.ndarray
        if "sgd_step(" in code and name != "sgd_step":
            from pmt_helpers.teaching import sgd_step
            names["sgd_step"] = sgd_step
        exec(code, names)
        verdict = judge(find_exercise(exercise), names[name])
        told[f"{exercise} {number}"] = [verdict.state, verdict.mistake]
print(json.dumps([pmt_helpers.__file__, NOTEBOOKS, told]))
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    out = tmp_path_factory.mktemp("students") / "workbook"
    release_workbook(out, without=["06"])
    return out


def run(released: Path, code: str, given: str = "", cwd: str = ".") -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], input=given, capture_output=True, text=True, cwd=released / cwd,
        env={"PYTHONPATH": str(released), "PATH": "/usr/bin:/bin"}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_released_checks_tell_right_from_every_named_mistake_as_ours_do(released):
    codes, ours = {}, {}
    for exercise in all_exercises():
        if exercise.solution.__module__.endswith("06"):
            continue
        text = inspect.getsource(exercise.solution)
        edits = [text, *(text.replace(mistake.old, mistake.new) for mistake in exercise.mistakes)]
        codes[exercise.id] = [(exercise.solution.__name__, edit) for edit in edits]
        for number, answer in enumerate([exercise.solution, *map(exercise.mutant, exercise.mistakes)]):
            verdict = judge(exercise, answer)
            ours[f"{exercise.id} {number}"] = [verdict.state, verdict.mistake]
    place, notebooks, theirs = json.loads(run(released, JUDGE, json.dumps(codes)))
    assert Path(place).is_relative_to(released)
    assert notebooks == [name for name in NOTEBOOKS if name != "06"]
    assert theirs == ours


def lines_of_solutions() -> set[str]:
    """Every line of a solution or of a mistake's edit that says something of its own, without its spaces."""
    regions = [
        region
        for path in source_paths()
        for cell in read_source(path).cells
        for region in solution_regions(cell.source)
    ]
    texts = [*regions, *(mistake.new for exercise in all_exercises() for mistake in exercise.mistakes)]
    lines = {re.sub(r"\s", "", line) for text in texts for line in text.split("\n")}
    return {line for line in lines if len(line) > 25} - {"rng=np.random.default_rng(seed)"}


def files_with(folder: Path, lines: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            content = re.sub(r"\s|\\n|\\", "", path.read_bytes().decode("utf-8", "ignore"))
            for line in lines:
                if line in content:
                    found.setdefault(path.relative_to(folder).as_posix(), set()).add(line)
    return found


def test_no_line_of_a_solution_or_mistake_is_found_in_what_students_get(released):
    lines = lines_of_solutions()
    assert len(lines) > 100
    assert files_with(ROOT / "pmt_helpers" / "teaching", lines), "the search finds what is there"
    found = files_with(released, lines)
    # The package does by itself what the workbook teaches, and the third hint leads there.
    allowed = {
        name for name in found if re.match(r"pmt_helpers/(activity|topics|attacks|privacy|device|system)/", name)
    }
    assert set(found) == allowed, {name: found[name] for name in set(found) - allowed}
    assert sum(map(len, found.values())) <= 3, found
    assert not [path for path in (released / "notebooks").iterdir() if BEGIN in path.read_text(encoding="utf-8")]


def test_nothing_of_the_lecturers_is_released(released):
    names = {path.relative_to(released).as_posix() for path in released.rglob("*")}
    assert not [
        name for name in names if re.search(r"notebooks/source|(^|/)tests|workbook/course|commands/course", name)
    ]
    assert not [name for name in names if "06_" in name and name.startswith("notebooks/")]
    assert "notebooks/01_base_model.ipynb" in names
    assert "course" not in run(released, "from pmt_helpers.__main__ import main; main(['--help'])")


def test_a_released_notebook_shows_no_answer_of_a_prediction_before_it_is_run(released):
    paths = sorted((released / "notebooks").glob("0*.ipynb"))
    assert len(paths) == 7
    for path in paths:
        code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        assert not [cell for cell in code if cell.outputs or cell.execution_count]


def test_a_released_solution_can_be_imported_but_not_read_nor_used_elsewhere(released):
    code = """
import inspect
import numpy as np
from pmt_helpers.teaching import sgd_step
from pmt_helpers.teaching.exercises import all_exercises
for exercise in all_exercises():
    first = [*exercise.cases.values()][0]
    for function in (exercise.solution, *exercise.solution.mutants, sgd_step):
        try:
            print(inspect.getsource(function))
        except OSError:
            continue
    assert not any(len(mistake.old + mistake.new) > 2 for mistake in exercise.mistakes)
    try:
        exercise.solution(*(part + 1 if isinstance(part, np.ndarray) else part for part in first))
    except KeyError:
        print(exercise.id, "says nothing of other arguments")
"""
    told = run(released, code)
    assert "def " not in told
    assert told.count("says nothing of other arguments") >= 15


def test_a_folder_whose_package_is_another_one_is_not_half_compiled(tmp_path):
    root = tmp_path / "other"
    shutil.copytree(ROOT / "pmt_helpers" / "teaching" / "exercises", root / "pmt_helpers" / "teaching" / "exercises")
    shutil.copytree(ROOT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns("source"))
    base = root / "pmt_helpers" / "teaching" / "exercises" / "__init__.py"
    base.write_text(base.read_text().replace("NOTEBOOKS = (", "BOOKS = ("))
    with pytest.raises(NotebookError, match="not as the release expects"):
        release_workbook(tmp_path / "out", root=root)


SECRET = 920135784466120394
CASES = """
from pmt_helpers.teaching.exercises import find_exercise
from pmt_helpers.teaching.exercises.judging import judge
told = []
for exercise in map(find_exercise, ("feature-by-hand", "trimmed-mean", "warm-up")):
    last = list(exercise.cases.values())[-1][0]
    told.append([float(last.sum()), judge(exercise, exercise.solution).state])
import json
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def variants(tmp_path_factory):
    out = tmp_path_factory.mktemp("variants") / "class"
    release_workbook(out / "workbook", without=["06"])
    return out, drawn(out, out, ["ann", "bo", "../cy"])


def drawn(released: Path, out: Path, students: list[str]) -> pd.DataFrame:
    return write_variants(released / "workbook", out / "students", out / "lecturer", students, SECRET, without=["06"])


def notebooks_of(out: Path, student: str) -> dict[str, list[str]]:
    paths = sorted((out / "students" / student / "notebooks").glob("*.ipynb"))
    return {path.name: [cell.source for cell in nbformat.read(path, 4).cells] for path in paths}


def test_each_student_gets_parameters_of_ones_own_and_the_lecturer_a_list_of_them(variants):
    out, table = variants
    pd.testing.assert_frame_equal(pd.read_csv(out / "lecturer" / "variants.csv"), table)
    assert sorted(path.name for path in (out / "students").iterdir()) == ["_cy", "ann", "bo"]
    assert table["SEED"].is_unique
    for row, student in zip(table.itertuples(), ("ann", "bo", "_cy"), strict=True):
        mine = notebooks_of(out, student)
        assert not any(name.startswith("06") for name in mine)
        assert (
            f"PERSON = {row.PERSON}\nN_SAMPLES = {row.N_SAMPLES}\nSEED = {row.SEED}"
            in mine["02_personal_model.ipynb"][2]
        )
        assert f"PERSON = {row.PERSON}\nSEED = {row.SEED}" in mine["01_base_model.ipynb"][2]
        for path in (out / "students" / student / "notebooks").glob("*.ipynb"):
            assert not any(cell.get("outputs") for cell in nbformat.read(path, 4).cells)


def test_each_student_is_checked_on_cases_of_ones_own(variants):
    out, _ = variants
    shutil.copytree(out / "workbook" / "pmt_helpers", out / "place" / "pmt_helpers")
    (out / "place" / "data").symlink_to(out / "workbook" / "data")
    told = {}
    for student in ("ann", "bo"):
        shutil.copytree(out / "students" / student / "notebooks", out / "place" / student)
        told[student] = json.loads(run(out / "place", CASES, cwd=student))
        own = fresh_cases(find_exercise("feature-by-hand"), seed_of(SECRET, student))
        assert told[student][0][0] == pytest.approx(float(own.cases["drawn 6"][0].sum()))
        assert [state for _, state in told[student]] == ["right"] * 3
    assert all(a[0] != b[0] for a, b in zip(told["ann"], told["bo"], strict=True))


def test_a_variant_that_is_handed_in_is_graded_from_the_secret(variants):
    out, _ = variants
    made = nbformat.read(out / "students" / "bo" / "notebooks" / "01_base_model.ipynb", 4)
    for cell in made.cells:
        if 'check("sgd-step"' in cell.source:
            cell.source = f'{inspect.getsource(sgd_step).replace("Array", "object")}\ncheck("sgd-step", sgd_step)'
    rows = grade_student("bo", submitted_answers(made), chosen_exercises(["01"], SECRET))
    told = {row.exercise: (row.state, row.cases) for row in rows}
    assert told["sgd-step"] == ("right", "fresh")
    assert told["forward-pass"] == ("to do", "fresh")


def test_the_same_secret_gives_the_same_variants_and_another_one_others(variants, tmp_path):
    out, table = variants
    (tmp_path / "again").mkdir()
    again = drawn(out, tmp_path / "again", ["bo"])
    assert again.to_numpy().tolist() == table.iloc[1:2].to_numpy().tolist()
    assert notebooks_of(tmp_path / "again", "bo") == notebooks_of(out, "bo")
    mine = (tmp_path / "again" / "students" / "bo" / "notebooks" / "compiled.bin").read_bytes()
    assert mine == (out / "students" / "bo" / "notebooks" / "compiled.bin").read_bytes()
    assert seed_of(SECRET + 1, "bo") != seed_of(SECRET, "bo")


def test_neither_an_answer_nor_the_secret_is_in_what_students_get(variants):
    out, _ = variants
    for student in ("ann", "bo", "_cy"):
        assert files_with(out / "students" / student, lines_of_solutions()) == {}
    seeds = [SECRET, *(seed_of(SECRET, student) for student in ("ann", "bo", "../cy"))]
    hidden = [form for seed in seeds for form in (str(seed).encode(), seed.to_bytes(32, "little").rstrip(b"\0"))]
    for folder in (out / "workbook", out / "students"):
        for path in folder.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                content += zlib.decompress(content) if path.suffix == ".bin" else b""
                assert not any(form in content for form in hidden), path
