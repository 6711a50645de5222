"""The texts for lecturers: what they name exists, minutes and points add up, and nothing of them reaches students."""

import re
import shutil
from functools import cache
from pathlib import Path

import nbformat
import pytest

from pmt_helpers.teaching.claims import load_claims
from pmt_helpers.teaching.exercises import NOTEBOOKS, all_exercises
from pmt_helpers.teaching.exercises.nb02 import early_stopping
from pmt_helpers.teaching.progress import progress_lines
from pmt_helpers.teaching.questions import stored_quiz
from pmt_helpers.teaching.workbook_file import FILE_NAME, Workbook
from pmt_helpers.workbook.files import ROOT, learner_paths
from pmt_helpers.workbook.reading import count_words, exercise_minutes, sentences
from pmt_helpers.workbook.verify import texts
from tests.notebooks.test_solved_copies import MOST_MEGABYTES
from tests.workbook.test_reading import MEAN_WORDS, hard_to_read

COURSE = ROOT / "course"
TEXTS = sorted(COURSE.rglob("*.md"))
LEARNERS = {path.stem[:2]: path for path in learner_paths() if path.stem != "glossary"}
EXERCISES = {exercise.id: exercise for exercise in all_exercises()}
PARTS = (
    "45 minutes",
    "90 minutes",
    "Where classes stall",
    "The question to vote on",
    "Expected figures",
    "Three questions to discuss",
    "Misconceptions",
)
CODE = re.compile(r"`([^`\n]+)`")
QUOTED = re.compile(r'"([^"]+)"')
ITALIC = re.compile(r"(?<!\*)\*([^*\n]+)\*(?!\*)")
NUMBERED = re.compile(r"^(\d+)\. (.*)$", re.M)
LINK = re.compile(r"\]\(([^)]+)\)")
FURTHER = re.compile(r"^## (Going further: .+?) \((\d+) minutes?\b", re.M)
# Digits that need no test of their own: notebooks by their numbers, the two plans; minutes and points are tested below.
ALLOWED = (
    r"\b0[0-7]\b|(?:45|90) minutes|^Notebook: .*$|\(\d\)|^\d+\. "
    r"|800 MB|2\.5 GB|Python 3\.11|\*counted from 0\*|repo2docker"
)
NOT_TYPED = re.compile(rf"```[\s\S]*?```|`[^`\n]+`|^\|.*$|^#+ .*$|\]\([^)]*\)|{ALLOWED}", re.M)
each_note = pytest.mark.parametrize("number", NOTEBOOKS)
each_text = pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(COURSE).as_posix())


@cache
def text_of(name: str) -> str:
    return (COURSE / name).read_text(encoding="utf-8")


@cache
def note(number: str) -> dict[str, str]:
    """The parts of a note by their headings; what stands before the first one under ""."""
    first, *parts = re.split(r"^## ", text_of(f"teaching_notes/{number}.md"), flags=re.M)
    return {"": first} | {heading.strip(): text for heading, _, text in (part.partition("\n") for part in parts)}


@cache
def learner(number: str) -> nbformat.NotebookNode:
    return nbformat.read(LEARNERS[number], as_version=4)


def prose(number: str) -> str:
    return "\n\n".join(cell.source for cell in learner(number).cells if cell.cell_type == "markdown")


def spaced(text: str) -> str:
    return " ".join(text.split())


@cache
def shown(number: str) -> str:
    """All that a notebook prints as stored, and its code, where choices of a prediction stand."""
    code = [cell for cell in learner(number).cells if cell.cell_type == "code"]
    said = [text for cell in code for output in cell.outputs for text in texts(output)]
    # A string that is continued on a second line of code is one text.
    return spaced("\n".join([*said, *(re.sub(r'"\s*\n\s*"', "", cell.source) for cell in code)]))


def minutes_of(number: str) -> tuple[int, int]:
    """What the notebook's header promises: its core path, and all that goes further."""
    found = re.search(r"^About (\d+) minutes(?:, and (\d+) more)?", learner(number).cells[0].source, re.M)
    assert found
    return int(found[1]), int(found[2] or 0)


def table(text: str) -> list[list[str]]:
    """The rows of the first table of a text, without its head."""
    lines = re.search(r"(?:^\|.*\n?)+", text, re.M)
    assert lines
    return [[cell.strip() for cell in line.strip("| ").split(" |")] for line in lines[0].splitlines()[2:]]


@each_note
def test_each_notebook_has_a_note_with_all_its_parts(number: str) -> None:
    assert [heading for heading in PARTS if not note(number).get(heading, "").strip()] == []
    assert len(NUMBERED.findall(note(number)["Three questions to discuss"])) == 3
    assert note(number)["Misconceptions"].count("\n- *") >= 3
    assert "an expectation, not measured" in note(number)["The question to vote on"]


def test_there_is_no_note_of_a_notebook_that_is_gone() -> None:
    assert sorted(path.stem for path in (COURSE / "teaching_notes").iterdir()) == sorted(NOTEBOOKS)


@each_note
def test_a_note_promises_the_minutes_of_its_notebooks_header(number: str) -> None:
    core, further = minutes_of(number)
    assert f"Core path: {core} minutes; going further: {further} minutes." in note(number)[""]


@each_note
@pytest.mark.parametrize("minutes", [45, 90])
def test_a_plan_fills_its_lesson_and_gives_exercises_and_further_parts_their_minutes(number: str, minutes: int) -> None:
    rows = [(int(row[0]), row[1]) for row in table(note(number)[f"{minutes} minutes"])]
    assert sum(given for given, _ in rows) == minutes
    further = {heading: int(needed) for heading, needed in FURTHER.findall(prose(number))}
    for given, what in rows:
        named = [code for code in CODE.findall(what) if code in EXERCISES]
        parts = [heading for heading in ITALIC.findall(what) if heading.startswith("Going further")]
        assert set(parts) <= set(further), what
        # The minutes of a part that goes further include those of its exercise.
        assert given >= max(sum(map(exercise_minutes, named)), sum(further[part] for part in parts)), what


@pytest.mark.parametrize("weeks", ["Seven weeks", "Fourteen weeks"])
def test_the_weeks_hold_all_notebooks_with_the_minutes_of_their_headers(weeks: str) -> None:
    rows = table(text_of("README.md").partition(f"## {weeks}\n")[2])
    assert [int(row[0]) for row in rows] == list(range(1, {"Seven weeks": 7, "Fourteen weeks": 14}[weeks] + 1))
    given: dict[str, tuple[int, int]] = {}
    for _, notebooks, core, further, _ in rows:
        before = given.get(notebooks, (0, 0))
        given[notebooks] = before[0] + int(core), before[1] + int(further)
    assert given.pop("all", (0, 0)) == (0, 0)
    assert [number for notebooks in given for number in notebooks.split(", ")] == list(NOTEBOOKS)
    for notebooks, minutes in given.items():
        headers = [minutes_of(number) for number in notebooks.split(", ")]
        assert minutes == tuple(map(sum, zip(*headers, strict=True))), notebooks


@each_note
def test_where_a_class_stalls_is_a_mistake_that_a_check_of_this_notebook_names(number: str) -> None:
    items = re.findall(r"^- `([\w-]+)`: (.*)$", note(number)["Where classes stall"], re.M)
    in_notebook = re.findall(r'^check\("([\w-]+)"', "\n".join(cell.source for cell in learner(number).cells), re.M)
    assert sorted(exercise for exercise, _ in items) == sorted(in_notebook)
    for exercise, text in items:
        known = [*EXERCISES[exercise].mistakes, *filter(None, [EXERCISES[exercise].fallback])]
        named = ITALIC.findall(text)
        assert named, f"{exercise}: no mistake is named"
        assert set(named) <= {mistake.name for mistake in known}, exercise


@each_text
def test_exercises_and_predictions_that_a_text_names_exist(path: Path) -> None:
    code = "\n".join(cell.source for number in NOTEBOOKS for cell in learner(number).cells)
    claims = {claim.id for claim in load_claims()}
    for name in CODE.findall(path.read_text(encoding="utf-8")):
        if re.fullmatch(r"0\d-[a-z-]+", name):
            assert f'"{name}"' in code, name
        elif re.fullmatch(r"[a-z]+(?:-[a-z]+)+", name):
            assert name in EXERCISES or name in claims, name


@each_note
def test_what_a_note_quotes_stands_in_its_notebook(number: str) -> None:
    """Predictions, the quiz, and the beginnings of the sentences under the figures."""
    quoted = QUOTED.findall(note(number)["The question to vote on"] + note(number)["Expected figures"])
    assert len(quoted) > 3
    assert [text for text in quoted if text not in shown(number) and not in_quiz(number, text)] == []


def in_quiz(number: str, text: str) -> bool:
    return any(text == question.text or text in question.choices for question in stored_quiz(number))


def test_arithmetic_is_less_than_a_hundredth_as_the_note_tells_the_lecturer() -> None:
    cells = [cell for cell in learner("06").cells if 'reveal("06-arithmetic"' in cell.source]
    answer = re.search(r"Answer: ([\d.]+?)\.?\s", "\n".join(text for text in texts(cells[0].outputs[0])) + "\n")
    assert answer
    assert float(answer[1]) < 1  # percent
    assert "less than a hundredth" in note("06")["The question to vote on"]


@each_note
def test_verdicts_to_expect_are_those_of_the_claims_table(number: str) -> None:
    told = re.findall(r"^- `([\w-]+)`: (.*)$", note(number).get("Verdicts to expect", ""), re.M)
    verdicts = {claim.id: claim.verdict for claim in load_claims() if number in claim.notebooks}
    assert told or not verdicts
    assert [(claim, verdict) for claim, verdict in told if verdicts.get(claim) != verdict] == []


@each_text
def test_points_of_a_marking_scheme_add_up(path: Path) -> None:
    tables = re.findall(r"(?:^\|.*(?:\n|\Z))+", path.read_text(encoding="utf-8"), re.M)
    schemes = [[int(row[-1]) for row in table(one)] for one in tables if "points |" in one.splitlines()[0]]
    full = {"projects.md": [100, 100], "rubric.md": [20]}.get(path.name, [])
    assert [sum(points) for points in schemes] == full


def test_the_exam_has_twelve_questions_of_five_points_each_with_an_answer() -> None:
    questions, answers = text_of("exam.md").split("## Answers")
    asked, answered = NUMBERED.findall(questions), NUMBERED.findall(answers)
    assert [number for number, _ in asked] == [number for number, _ in answered] == [str(n) for n in range(1, 13)]
    points = [[int(point) for point in re.findall(r"\((\d)\)", text)] for _, text in answered]
    assert [sum(of_one) for of_one in points] == [5] * 12


def test_the_losses_of_the_exam_stop_where_its_answer_says() -> None:
    assert "three, two, two and a half, two and a half, one. Patience is two." in text_of("exam.md")
    assert "After the fourth epoch" in text_of("exam.md")
    assert "The second epoch is kept" in text_of("exam.md")
    assert early_stopping([3, 2, 2.5, 2.5, 1], 2) == (2, 4)


@each_text
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve()
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


@each_text
def test_sentences_for_lecturers_are_short_and_their_words_are_usual_too(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lengths = [count_words(sentence) for sentence in sentences(text)]
    assert sum(lengths) / len(lengths) < MEAN_WORDS
    assert not hard_to_read([text])


@each_text
def test_no_number_is_typed_that_no_test_compares(path: Path) -> None:
    assert re.findall(r".*\d.*", NOT_TYPED.sub("", path.read_text(encoding="utf-8"))) == []


def test_numbers_of_megabytes_are_those_of_the_tests_and_of_the_readme() -> None:
    assert f"under {MOST_MEGABYTES} MB" in text_of("running.md")
    assert "about 2.5 GB" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_binder_fetches_no_data_set_while_it_builds() -> None:
    lines = (ROOT / "binder" / "postBuild").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if not line.startswith("#")]
    assert any("pmt_helpers run" in line for line in commands)
    assert [line for line in commands if "fetch" in line] == []


def test_what_students_get_names_no_file_of_the_course() -> None:
    files = [path.relative_to(ROOT).as_posix() for path in COURSE.rglob("*") if path.is_file()]
    assert "course/exam.md" in files
    folders = [ROOT / name for name in ("notebooks", "pmt_helpers", "binder", "data")]
    given = [
        path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".pyi", ".ipynb", ".md")
    ]
    assert len(given) > 100
    names = re.compile("|".join(map(re.escape, [*files, "teaching_notes"])))
    assert [path for path in given if names.search(path.read_text(encoding="utf-8"))] == []


def test_answers_made_beside_old_notebooks_are_read_beside_new_ones(tmp_path: Path) -> None:
    """An update of a class's copies: the file of answers moves, with an exercise in it that is no more."""
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    old = Workbook(tmp_path / "old" / FILE_NAME)
    for exercise in ("warm-up", "an-exercise-that-is-gone"):
        old.put("checks", exercise, "right")
    shutil.copy(old.path, tmp_path / "new")
    new = Workbook(tmp_path / "new" / FILE_NAME)
    assert list(progress_lines(new)) == list(progress_lines(old))
    assert next(progress_lines(new)).startswith("00: 1 of 1")
    new.put("checks", "sgd-step", "not yet")
    assert new.get("checks", "an-exercise-that-is-gone") == "right"
