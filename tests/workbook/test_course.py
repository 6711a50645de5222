"""A class of thirty: right, wrong in every named way, blank, copied, malicious; collected, graded, reported."""

import inspect
import io
import json
import re
import shutil
import subprocess
import zipfile
from contextlib import closing
from html import escape
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from pmt_helpers.teaching.exercises import all_exercises, calling, find_exercise
from pmt_helpers.teaching.exercises.calling import TimeUp
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.teaching.exercises.nb00 import EXERCISES as WARM_UP
from pmt_helpers.teaching.exercises.nb01 import EXERCISES as BASE_MODEL
from pmt_helpers.workbook.build import learner_copy, read_source, solved_copy
from pmt_helpers.workbook.course.answers import Submitted, submitted_answers
from pmt_helpers.workbook.course.cases import fresh_cases
from pmt_helpers.workbook.course.collecting import collect_submissions, folder_name
from pmt_helpers.workbook.course.grading import (
    FORBIDDEN,
    alike,
    chosen_exercises,
    grade_class,
    judge_apart,
)
from pmt_helpers.workbook.course.recorded import key
from pmt_helpers.workbook.course.reporting import write_feedback, write_report
from pmt_helpers.workbook.course.sandbox import Sandboxed
from pmt_helpers.workbook.files import NotebookError, source_paths

EXERCISES = (*WARM_UP, *BASE_MODEL)
SIZES = {"right": 5, "wrong": 16, "blank": 2, "copied": 2, "malicious": 5}
MALICE = {
    "reads a file": "return float(open('/etc/passwd').read()[0])",
    "never ends": "while True: pass",
    "forks": "import os\n    while True: os.fork()",
    "asks the network": "import socket\n    return socket.create_connection(('192.0.2.1', 80))",
    "imports the solution": "import pmt_helpers.teaching.exercises.nb00 as a\n    return a.accuracy(predicted, actual)",
}
COPY = """def forward(X, W1, b1, W2, b2):
    {h} = np.where(X @ W1 + b1 > 0, X @ W1 + b1, 0)  # {h}
    {s} = {h} @ W2 + b2
    {s} = {s} - {s}.max(axis=1, keepdims=True)
    return np.exp({s}) / np.exp({s}).sum(axis=1, keepdims=True)
"""


def source(exercise, mistake=None):
    text = inspect.getsource(exercise.solution).replace("np.ndarray", "object").replace("Array", "object")
    return text if mistake is None else text.replace(mistake.old, mistake.new)


def notebook(codes: dict[str, str], prefix="01") -> str:
    """A learner's copy of a notebook with these answers in the cells of their exercises."""
    [path] = source_paths([prefix])
    made = learner_copy(read_source(path))
    for cell in made.cells:
        for exercise, code in codes.items():
            if f'check("{exercise}"' in cell.source:
                cell.source = f'{code}\n\ncheck("{exercise}", {find_exercise(exercise).solution.__name__})'
    return nbformat.writes(made)


def answers_of(number: int) -> dict[str, str]:
    kind, place = kinds()[number]
    if kind == "right":
        return {exercise.id: source(exercise) for exercise in EXERCISES}
    if kind == "wrong":
        return {e.id: source(e, e.mistakes[place]) for e in EXERCISES if place < len(e.mistakes)}
    if kind == "copied":
        return {"forward-pass": COPY.format(h=("hidden", "layer")[place], s=("scores", "z")[place])}
    if kind == "malicious":
        return {"warm-up": f"def accuracy(predicted, actual):\n    {list(MALICE.values())[place]}\n"}
    return {}


def kinds() -> list[tuple[str, int]]:
    return [(kind, place) for kind, size in SIZES.items() for place in range(size)]


ROSTER = pd.DataFrame(
    [(f"s{n:02d}", f"Ann{n:02d}", f"Zoë-Lee{n:02d}", f"ann{n}@uni.test") for n in range(30)],
    columns=["ID", "First name", "Last name", "Email address"],
)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The whole class: handed in as a zip of Moodle's, collected by names, graded from a secret seed."""
    folder = tmp_path_factory.mktemp("class")
    (folder / "in").mkdir()
    with zipfile.ZipFile(folder / "in" / "week.zip", "w") as archive:
        for n in range(30):
            codes = answers_of(n)
            for prefix, name in (("00", "00_start_here"), ("01", "01_base_model (1)")):
                path = f"Ann{n:02d} Zoë-Lee{n:02d}_{900 + n}_assignsubmission_file_/{name}.ipynb"
                archive.writestr(path, notebook(codes, prefix))
    problems = collect_submissions(folder / "in", folder / "got", ROSTER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calling, "SECONDS", 1.0)
        grades = grade_class(
            folder / "got", folder / "out", notebooks=("00", "01"), seed=2024, partial=0.25, roster=ROSTER
        )
    return folder, problems, grades


def test_everybody_of_the_class_is_found_by_name_and_number_of_files(graded):
    folder, problems, _ = graded
    assert problems.empty
    assert sorted(path.name for path in (folder / "got").iterdir() if path.is_dir()) == list(ROSTER["ID"])
    assert all(len(list((folder / "got" / name).glob("*.ipynb"))) == 2 for name in ROSTER["ID"])


def test_points_are_what_each_student_did(graded):
    folder, _, grades = graded
    verdicts = pd.read_csv(folder / "out" / "verdicts.csv", keep_default_na=False)
    for number, (kind, place) in enumerate(kinds()):
        mine = verdicts[verdicts["student"] == f"s{number:02d}"].set_index("exercise")
        total = grades.iloc[number]["total"]
        if kind == "right":
            assert total == len(EXERCISES)
        elif kind == "blank":
            assert (mine["state"] == "to do").all()
            assert total == 0
        elif kind == "copied":
            assert total == 1
        elif kind == "malicious":
            assert total == 0
            assert mine.loc["warm-up", "state"] == "not yet"
        else:
            made = {e.id: e.mistakes[place].name for e in EXERCISES if place < len(e.mistakes)}
            told = mine.loc[list(made), "mistake"].to_dict()
            # A mistake whose values another one shares may be named after that one, as in the notebook.
            assert all(told.values()), told
            assert sum(told[exercise] == made[exercise] for exercise in made) >= len(made) - 1
            assert total == 0.25 * len(made)


def test_four_of_five_malicious_answers_are_told_as_forbidden_and_the_fifth_as_endless(graded):
    folder, _, _ = graded
    verdicts = pd.read_csv(folder / "out" / "verdicts.csv", keep_default_na=False)
    bad = verdicts[(verdicts["exercise"] == "warm-up") & verdicts["student"].isin([f"s{n:02d}" for n in range(25, 30)])]
    told = dict(zip(MALICE, bad["mistake"], strict=True))
    assert [name for name, mistake in told.items() if mistake != FORBIDDEN] == ["never ends"]
    assert "never ends" in bad["message"].iloc[1]


def test_the_copied_pair_is_listed_for_a_person_to_look_at(graded):
    folder, _, _ = graded
    similar = pd.read_csv(folder / "out" / "similar.csv")
    copied = similar[(similar["student"] == "s23") & (similar["other"] == "s24")]
    assert list(copied["exercise"]) == ["forward-pass"]


def test_the_table_of_points_keeps_the_rosters_columns_and_says_which_cases_were_fresh(graded):
    folder, _, _ = graded
    table = pd.read_csv(folder / "out" / "grades.csv")
    assert list(table.columns) == [*ROSTER.columns, *(exercise.id for exercise in EXERCISES), "total"]
    verdicts = pd.read_csv(folder / "out" / "verdicts.csv")
    cases = verdicts.drop_duplicates("exercise").set_index("exercise")["cases"].to_dict()
    assert {name for name, kind in cases.items() if kind != "fresh"} == {"grouped-validation"}


def test_the_report_counts_each_mistake_and_names_nobody_beside_an_answer(graded):
    folder, _, _ = graded
    for number in (3, 4):
        answers = {"quiz": {"01-1": "<b>mine</b>"}, "predictions": {"01-unseen": 0.1 * number}}
        (folder / "got" / f"s{number:02d}" / "my_workbook.json").write_text(json.dumps(answers))
    write_report(folder / "out", folder / "class.html", folder / "got")
    page = (folder / "class.html").read_text(encoding="utf-8")
    mistakes = page[page.index("<h2>Mistakes") : page.index("<h2>For a person")]
    verdicts = pd.read_csv(folder / "out" / "verdicts.csv", keep_default_na=False)
    named = verdicts[verdicts["mistake"] == "squared error"]
    assert f"<td>{len(named)}</td><td>squared error</td>" in mistakes
    assert len(named) >= 2
    assert not any(f">s{number:02d}<" in mistakes for number in range(30))
    assert "&lt;b&gt;mine" in page
    assert "<b>mine" not in page
    assert "2 guesses; half of them from 0.325 to 0.375, median 0.35" in page
    assert not re.search(r'(src|href)="', page)


def test_each_student_gets_a_page_that_says_what_to_read_again_and_runs_nothing(graded, tmp_path):
    folder, _, _ = graded
    verdicts = pd.read_csv(folder / "out" / "verdicts.csv", keep_default_na=False)
    mine = verdicts[verdicts["student"] == "s06"].assign(student="007")
    hers = mine.assign(student="008", message='prints `<script src="http://x">`', state="not yet")
    pd.concat([mine, hers]).to_csv(tmp_path / "verdicts.csv", index=False)
    write_feedback(tmp_path)
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (tmp_path / "feedback").iterdir()}
    assert sorted(pages) == ["007", "008"]
    assert f"{mine['points'].sum():g} of {len(mine)} points" in pages["007"]
    for row in mine.itertuples():
        assert escape(row.message) in pages["007"]
        assert (escape(find_exercise(row.exercise).hints[0]) in pages["007"]) == (row.state != "right")
    assert "prints `&lt;script src=" in pages["008"]
    for page in pages.values():
        assert page.count("<script") == 1, "the frame's own"
        assert not re.search(r'(src|href)="', page)
        assert "width=device-width" in page


def test_with_moodles_worksheet_the_pages_are_named_so_that_moodle_takes_them_back(graded, tmp_path):
    """Moodle reads a name as fullname_number_plugintype_plugin_file (mod/assign/feedback/file/importziplib.php)."""
    folder, _, _ = graded
    verdicts = pd.read_csv(folder / "out" / "verdicts.csv", keep_default_na=False)
    mine = verdicts[verdicts["student"] == "s06"]
    students = ["Participant 4711", "Teilnehmer/in 12", "Óscar 3 Ruiz"]
    pd.concat([mine.assign(student=folder_name(name)) for name in students]).to_csv(tmp_path / "verdicts.csv")
    write_feedback(tmp_path)
    names = sorted(path.name for path in (tmp_path / "feedback").iterdir())
    assert [name.split("_", 4)[1:] for name in names if "assignfeedback" in name] == [
        ["4711", "assignfeedback", "file", "feedback.html"], ["12", "assignfeedback", "file", "feedback.html"],
    ]  # fmt: skip
    assert "Óscar 3 Ruiz.html" in names


def test_the_whole_workbook_solved_is_right_without_being_run_and_blank_it_is_to_do(tmp_path):
    for path in source_paths():
        made = read_source(path)
        for student, copy in (("solved", solved_copy(made)), ("blank", learner_copy(made))):
            (tmp_path / "got" / student).mkdir(parents=True, exist_ok=True)
            nbformat.write(copy, tmp_path / "got" / student / f"{path.stem[:2]}.ipynb")
    grades = grade_class(tmp_path / "got", tmp_path / "out", seed=5)
    assert grades.loc["solved", "total"] == len(chosen_exercises())
    verdicts = pd.read_csv(tmp_path / "out" / "verdicts.csv").set_index("student")
    assert set(verdicts.loc["blank", "state"]) == {"to do"}


@pytest.mark.parametrize("exercise", list(all_exercises()), ids=lambda exercise: exercise.id)
def test_values_learnt_by_heart_are_right_on_the_shipped_cases_and_wrong_on_fresh_ones(exercise):
    if exercise.judged_by_symptoms:
        assert fresh_cases(exercise, 5) is exercise
        return
    with np.errstate(divide="ignore"):  # loss-threshold has probabilities of 0
        learnt = {key(given): exercise.solution(*given) for given in exercise.cases.values()}
    others = iter(list(learnt.values()) * 99)

    def by_heart(*given):
        return learnt[key(given)] if key(given) in learnt else next(others)

    assert judge(exercise, by_heart).state == "right" or exercise.id == "parse-record", "its other logs are not cases"
    right = [judge(fresh_cases(exercise, seed), by_heart).state == "right" for seed in range(4)]
    assert sum(right) <= 1, "of guesses between two values, one in sixty-four is right on all drawn cases"


@pytest.mark.parametrize("exercise", list(all_exercises()), ids=lambda exercise: exercise.id)
def test_on_fresh_cases_the_solution_is_right_and_each_mistake_is_told_as_before(exercise):
    fresh = fresh_cases(exercise, 10**12)
    assert judge(fresh, fresh.solution).state == "right"
    for mistake in exercise.mistakes:
        mutant = exercise.mutant(mistake)
        assert judge(fresh, mutant).mistake == judge(exercise, mutant).mistake


def test_another_seed_draws_other_cases_and_the_same_one_the_same():
    exercise = find_exercise("fit-line")
    drawn = [key(fresh_cases(exercise, seed).cases["drawn 1"]) for seed in (5, 5, 6)]
    assert drawn[0] == drawn[1] != drawn[2]


WORSE = {
    "leaves Python": ("import os\n    os._exit(0)", None),
    "starts a program": ("import os\n    os.system('true')", FORBIDDEN),
    "starts one unseen": ("import _posixsubprocess\n    _posixsubprocess.fork_exec()", FORBIDDEN),
    "calls the system's library": ("import ctypes\n    return ctypes.CDLL(None).getpid()", FORBIDDEN),
    "writes a file": ("open('written', 'w')", FORBIDDEN),
    "kills the grader": ("import os\n    os.kill(os.getppid(), 9)", FORBIDDEN),
    "takes all memory": ("return len(bytearray(10**11))", None),
    "returns too much": ("return np.ones(10**7)", None),
    "looks for the judge": (
        "import sys\n    return [m for m in sys.modules if 'pmt' in m] or None", None
    ),
    "hides that it tried": (
        "try: open('/etc/passwd')\n    except BaseException: pass\n    return (predicted == actual).mean()", FORBIDDEN
    ),
    "lies to the guard": (
        "import os\n    os.path.realpath = lambda path: os.__file__\n    return len(open('/etc/passwd').read())", None
    ),
}  # fmt: skip


@pytest.mark.parametrize("malice", WORSE)
def test_other_malice_gets_no_point_either(malice):
    body, told = WORSE[malice]
    code = f"import numpy as np\ndef accuracy(predicted, actual):\n    {body}\n"
    verdict = judge_apart(find_exercise("warm-up"), Submitted("warm-up", code, "accuracy"))
    assert verdict.state != "right"
    assert verdict.mistake == told


def test_an_answer_that_speaks_for_its_process_and_then_reads_nothing_does_not_hold_the_grader():
    said = json.dumps({"value": 1, "after": [None], "printed": ""}).encode()
    code = f"""import os, struct
def f(x):
    for descriptor in range(3, 20):
        try: os.write(descriptor, struct.pack("<I", {len(said)}) + {said!r})
        except OSError: pass
    while True: pass
"""
    with closing(Sandboxed(code, "f", seconds=3)) as function:
        assert function(np.zeros(10)) == 1
        with pytest.raises(TimeUp):
            function(np.zeros(10**6))


def test_no_text_of_an_answer_stops_the_tables_or_pages(tmp_path):
    texts = ("'\\ud800'", "'\\0\\r\\n\\x1b'", "'=HYPERLINK(1)' * 10**6")
    for number, text in enumerate(texts):
        (tmp_path / "got" / f"s{number}").mkdir(parents=True)
        code = f"def accuracy(predicted, actual):\n    print({text})\n    raise ValueError({text})"
        (tmp_path / "got" / f"s{number}" / "00.ipynb").write_text(notebook({"warm-up": code}, "00"))
    grades = grade_class(tmp_path / "got", tmp_path / "out", notebooks=["00"])
    write_feedback(tmp_path / "out")
    assert list(grades["total"]) == [0.0] * len(texts)
    assert len(list((tmp_path / "out" / "feedback").iterdir())) == len(texts)


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    (tmp_path / "s01").mkdir()
    (tmp_path / "s01" / "00.ipynb").write_text("{")
    with pytest.raises(NotebookError, match=r"00\.ipynb.*course collect"):
        grade_class(tmp_path, tmp_path / "out")


def test_an_answer_has_a_network_with_nothing_in_it_where_the_system_allows_that():
    if not shutil.which("unshare") or subprocess.run(["unshare", "-Urn", "true"], capture_output=True).returncode:
        pytest.skip("no network of one's own for users of this system")
    with closing(Sandboxed("def f(): return 1", "f")) as function:
        mine, its = (Path(f"/proc/{who}/ns/net").readlink() for who in ("self", function._process.pid))
    assert mine != its


def test_what_definitions_print_stays_out_of_the_graders_terminal(capsys):
    answer = Submitted("warm-up", "said = print('x' * 50)\ndef accuracy(a, b): return said", "accuracy")
    assert judge_apart(find_exercise("warm-up"), answer).state == "to do"
    assert capsys.readouterr().out == ""


def test_the_code_is_found_in_a_notebook_that_was_worked_in():
    cells = [
        "import numpy as np\nfrom math import *",
        "%matplotlib inline\ncentre = np.mean\ndata = never_defined()",
        "def mean_absolute_deviation(window):\n    data = window\n"
        "    return np.abs(data - centre(data, axis=0)).mean(axis=0) * cos(0)",
        'check("warm-up", accuracy',
    ]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    found = submitted_answers(made)
    assert "centre = np.mean" in found["feature-by-hand"].code
    assert "never_defined" not in found["feature-by-hand"].code
    assert judge_apart(find_exercise("feature-by-hand"), found["feature-by-hand"]).state == "right"
    assert "no Python" in found["warm-up"].problem


ACCURACY = "def accuracy(predicted, actual):\n    return "


@pytest.mark.parametrize(
    "code",
    [
        f"%matplotlib inline\nfiles = !ls\nnp.abs?\n{ACCURACY}(predicted == actual).mean()",
        f"{ACCURACY}(100 * (predicted == actual).mean()\n            % 101) / 100",
        f"%%time\n{ACCURACY}(predicted == actual).mean()",
        f"{ACCURACY}(predicted == actual).mean()\naccuracy = np.errstate()(accuracy)",
        f"if True:\n    def same(a, b):\n        return a == b\n{ACCURACY}same(predicted, actual).mean()",
        f"n = 0\nfor k in range(3):\n    n += k\n{ACCURACY}(predicted == actual).mean() * n / 3",
        f"from numpy import *\n{ACCURACY}mean(predicted == actual)",
        f"import scipy\n{ACCURACY}scipy.special.expit(0) * 2 * (predicted == actual).mean()",
    ],
    ids=["magics", "a line that begins with %", "cell magic", "wrapped", "in an if", "summed", "star", "lazy"],
)
def test_what_is_right_in_the_notebook_is_right_when_graded(code):
    cells = ["import numpy as np", f'{code}\n\ncheck("warm-up", accuracy)']
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    verdict = judge_apart(find_exercise("warm-up"), submitted_answers(made)["warm-up"])
    assert verdict.state == "right", verdict


@pytest.mark.parametrize(
    ("exercise", "code", "name"),
    [
        (
            "grouped-validation",
            """from sklearn.model_selection import GroupShuffleSplit
import numpy as np
def split(users, fraction, seed):
    chooser = GroupShuffleSplit(n_splits=1, test_size=fraction, random_state=seed)
    _, rows = next(chooser.split(users, groups=users))
    return np.isin(np.arange(len(users)), rows)""",
            "split",
        ),
        (
            "feature-by-hand",
            "import pandas as pd\ndef f(window):\n    t = pd.DataFrame(window)\n    return (t - t.mean()).abs().mean()",
            "f",
        ),
    ],
    ids=["scikit-learn", "a Series"],
)
def test_an_answer_may_use_a_librarys_own_function_and_type(exercise, code, name):
    ours = find_exercise(exercise)
    assert judge_apart(ours, Submitted(exercise, code, name)).state == "right"


def test_an_answer_that_python_refuses_costs_that_answer_alone():
    cells = [
        "def accuracy(predicted, actual):\n    nonlocal predicted\n    return 1",
        source(BASE_MODEL[0]),
        "def forward(X, W1, b1, W2, b2):\n    return " + " + ".join(["X"] * 3000),
        'check("forward-pass", forward)',
    ]
    cells += ["def private_mean(x):\n    return " + "-" * 100_000 + "1"]  # a MemoryError without words, up to 3.12
    found = submitted_answers(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]))
    assert "no Python" in found["clip-and-noise"].problem
    assert "no Python" in found["warm-up"].problem
    assert "no Python" in found["forward-pass"].problem
    assert found["feature-by-hand"].problem == ""


def test_where_answers_cannot_be_run_apart_nobody_is_graded(tmp_path, monkeypatch):
    (tmp_path / "s01").mkdir()
    monkeypatch.setattr("sys.executable", "/usr/bin/false")
    with pytest.raises(NotebookError, match="cannot be run apart"):
        grade_class(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_short_answers_that_are_alike_are_no_hint():
    same = {name: {"warm-up": Submitted("warm-up", source(WARM_UP[0]), "accuracy")} for name in "ab"}
    assert alike(same, WARM_UP).empty


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_submissions_are_collected_from_canvas_nbgrader_and_folders(tmp_path):
    text = notebook({}).encode()
    (tmp_path / "in").mkdir()
    canvas = {"zoelee03ann03_LATE_4711_12_01_base_model-1.ipynb": text, "nobody_1_2_01_base_model.ipynb": text}
    (tmp_path / "in" / "canvas.zip").write_bytes(zipped(canvas))
    own = zipped({"01_base_model.ipynb": text, "notes.docx": b"x"})
    (tmp_path / "in" / "moodle.zip").write_bytes(zipped({"Ann04 Zoë-Lee04_9_assignsubmission_file_/my work.zip": own}))
    for path, content in {
        "submitted/s05/nb01/01_base_model.ipynb": text,
        "ann6@uni.test/01_base_model-10.ipynb": text + b"\n",
        "ann6@uni.test/01_base_model-9.ipynb": text,
        "s07_01_base_model.ipynb": text,
        "s08/01_base_model.ipynb": b"{ half a notebook",
        "s09/empty.ipynb": nbformat.writes(nbformat.v4.new_notebook()).encode(),
        "s10/broken.zip": b"PK no zip",
    }.items():
        (tmp_path / "in" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / path).write_bytes(content)
    problems = collect_submissions(tmp_path / "in", tmp_path / "out", ROSTER).set_index("file")["reason"].to_dict()
    found = {path.parent.name for path in (tmp_path / "out").rglob("01.ipynb")}
    assert found == {"s03", "s04", "s05", "s06", "s07"}
    assert (tmp_path / "out" / "s06" / "01.ipynb").read_bytes() == text + b"\n", "the later of two"
    reasons = {
        "nobody": "in the roster", "notes.docx": "neither a notebook", "ann6@uni.test/01": "duplicate",
        "s08/": "cannot be read", "s09/": "no exercise", "s10/": "zip that cannot be read",
    }  # fmt: skip
    assert len(problems) == len(reasons)
    for file, reason in reasons.items():
        assert any(file in path and reason in why for path, why in problems.items()), (file, problems)


def test_a_zip_cannot_fill_the_memory_nor_leave_its_folder(tmp_path):
    (tmp_path / "in").mkdir()
    bomb = {"s01/01_base_model.ipynb": b" " * 20_000_000, "../../../s02/01_base_model.ipynb": notebook({}).encode()}
    (tmp_path / "in" / "class.zip").write_bytes(zipped(bomb))
    problems = collect_submissions(tmp_path / "in", tmp_path / "out", ROSTER)
    assert list(problems["reason"]) == ["larger than 10,000,000 bytes"]
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.ipynb")} == {"out"}


def test_two_students_of_one_name_are_not_guessed_apart(tmp_path):
    roster = pd.DataFrame([("1", "Ann Lee"), ("2", "Lee Ann")], columns=["ID", "Name"])
    (tmp_path / "in" / "Ann Lee").mkdir(parents=True)
    (tmp_path / "in" / "Ann Lee" / "01_base_model.ipynb").write_text(notebook({}))
    [reason] = collect_submissions(tmp_path / "in", tmp_path / "out", roster)["reason"]
    assert "1 or 2" in reason


def test_the_number_in_moodles_and_canvas_names_tells_students_of_one_name_apart(tmp_path):
    text = notebook({}).encode()
    names = {
        "Ann Lee_12_assignsubmission_file_/01.ipynb": "Participant 12",
        "annlee_LATE_903_4_01.ipynb": "Participant 3",
    }
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "class.zip").write_bytes(zipped(dict.fromkeys(names, text)))
    rows = [
        ("Ann Lee", "Participant 112", "902"),
        ("Ann Lee", "Participant 12", "901"),
        ("Ann Lee", "Participant 3", "903"),
    ]
    roster = pd.DataFrame(rows, columns=["Full name", "Identifier", "ID"])
    assert collect_submissions(tmp_path / "in", tmp_path / "out", roster).empty
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == set(names.values())


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_notebook_that_windows_saved_is_collected_and_graded(tmp_path, encoding):
    (tmp_path / "in" / "Ann").mkdir(parents=True)
    text = notebook({"feature-by-hand": source(find_exercise("feature-by-hand"))}).replace("\n", "\r\n")
    (tmp_path / "in" / "Ann" / "01.ipynb").write_bytes(text.encode(encoding))
    assert collect_submissions(tmp_path / "in", tmp_path / "got").empty
    grades = grade_class(tmp_path / "got", tmp_path / "out", notebooks=("01",))
    assert list(grades["total"]) == [1.0]


def test_no_name_that_a_student_chose_begins_a_cell_as_a_formula(tmp_path):
    for name in ("+1+1", "=1+1"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "01.ipynb").write_text(notebook({}) if name[0] == "+" else "{")
    collect_submissions(tmp_path / "in", tmp_path / "got")
    grade_class(tmp_path / "got", tmp_path / "out", notebooks=("01",))
    for table in (*tmp_path.glob("out/*.csv"), tmp_path / "got" / "problems.csv"):
        cells = pd.read_csv(table, header=None, dtype=str, keep_default_na=False).to_numpy().ravel()
        assert not [cell for cell in cells if cell.startswith(tuple("=+-@"))], table


def test_canvas_gets_its_table_back_with_maxima_and_a_table_of_grades_may_be_a_roster(tmp_path):
    maxima = "    Points Possible"
    roster = pd.DataFrame(
        [(maxima, "", ""), ("Lee, Ann", "7", "A"), ("Lee, Ann", "8", "A"), ("Ek, Bo", "9", "A")],
        columns=["Student", "ID", "Section"],
    )
    (tmp_path / "got" / "8").mkdir(parents=True)
    (tmp_path / "got" / "8" / "01.ipynb").write_text(notebook({"sgd-step": source(find_exercise("sgd-step"))}))
    for _ in range(2):
        grade_class(tmp_path / "got", tmp_path / "out", notebooks=("01",), roster=roster)
        roster = pd.read_csv(tmp_path / "out" / "grades.csv", dtype=str, keep_default_na=False)
        assert list(roster.columns[:3]) == ["Student", "ID", "Section"]
        assert dict(zip(roster["Student"] + roster["ID"], roster["total"], strict=True)) == {
            maxima: "4.0", "Lee, Ann7": "0.0", "Lee, Ann8": "1.0", "Ek, Bo9": "0.0",
        }  # fmt: skip
