"""What the workbook tells about its reader: nothing leaves the machine but `data fetch`, what is stored names no user,
folder or host, and what others wrote (names, words, logs, errors) is shown as text and never interpreted."""

import getpass
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import plotly.graph_objects as go
import pytest
from nbconvert.filters import markdown2html

from pmt_helpers.datasets import DocumentData, load_documents, load_own_documents
from pmt_helpers.datasets.cards import DataCard, Statement
from pmt_helpers.device.logs import read_log
from pmt_helpers.device.pi_profile import Recorder
from pmt_helpers.teaching import check, figures, prediction, quiz, reveal, say, topic_map, topic_table
from pmt_helpers.teaching.device_logs import _result
from pmt_helpers.teaching.figures.device_series import spans_of, training_rows
from pmt_helpers.teaching.figures.style import Figure
from pmt_helpers.teaching.questions import Question
from pmt_helpers.teaching.workbook_file import current_workbook, export_button
from pmt_helpers.topics import Topics
from pmt_helpers.workbook.pages import page
from pmt_helpers.workbook.run import run_notebooks
from pmt_helpers.workbook.verify import texts
from tests.browser.jupyter import jupyterlab
from tests.teaching.test_device_logs import spans_text
from tests.teaching.test_widgets import all_of, press

ROOT = Path(__file__).resolve().parents[2]
GUARD = ROOT / "tests" / "notebooks" / "cut_off.py"

PLANTS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "'><b onclick='alert(1)'>",
    "<a href='javascript:alert(1)'>log</a>",
    "</script><!--<script><img src=x onerror=alert(1)>",
]
planted = pytest.mark.parametrize("plant", PLANTS)


# --- What leaves the machine


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every Python started from now on refuses the network, and writes here what it refused."""
    path = tmp_path / "refused"
    monkeypatch.setenv("PMT_TEST_REFUSED", str(path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "notebooks" / "no_network"))
    return path


def test_what_is_refused_is_written_down_even_where_a_program_hides_it(refused: Path) -> None:
    hidden = "import contextlib, socket\nwith contextlib.suppress(OSError): socket.gethostbyname('example.org')"
    subprocess.run([sys.executable, "-c", hidden], check=True)
    assert "example.org" in refused.read_text()


@pytest.mark.parametrize("command", ["doctor", "data check watch", "run 00"])
def test_no_command_but_fetch_looks_for_the_network_nor_does_a_kernel(
    command: str, refused: Path, tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path / "out")] if command.startswith("run") else []
    ours = [sys.executable, "-m", "pmt_helpers", *command.split(), *out]
    done = subprocess.run(ours, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not refused.exists(), refused.read_text()
    for html in (tmp_path / "out").glob("*.html"):
        loaded = Tags(html.read_text(encoding="utf-8")).loaded
        assert set(loaded) <= {"plotly.min.js"}, f"{html.name} loads from elsewhere"


def test_fetch_does_look_for_it(refused: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))
    subprocess.run([sys.executable, "-m", "pmt_helpers", "data", "fetch", "wisdm"], cwd=ROOT, capture_output=True)
    assert refused.exists()


def test_jupyterlab_asks_nothing_of_the_network_or_the_reader_however_it_is_started(
    refused: Path, tmp_path: Path
) -> None:
    """As plainly as in the README: what holds comes with the package's installation, and is no flag."""
    with jupyterlab(ROOT / "notebooks", tmp_path / "scratch") as address:
        with urllib.request.urlopen(address.format(path="lab")) as answer:
            settings = re.search(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', answer.read().decode(), re.S)
        assert settings
        # The part of JupyterLab that asks for news, and whether it may.
        assert "@jupyterlab/apputils-extension:announcements" in json.dumps(
            json.loads(settings[1])["disabledExtensions"]
        ), "install again: pip install --no-deps --no-build-isolation -e ."
        for path in ("lab/api/news", "lab/api/update", "lab/api/extensions"):
            with urllib.request.urlopen(address.format(path=path)) as answer:
                assert answer.status == 200
    assert not refused.exists(), refused.read_text()


def test_the_settings_for_jupyterlab_open_it_to_nobody_else() -> None:
    settings = [json.loads(path.read_text()) for path in sorted((ROOT / "tools" / "jupyter").rglob("*.json"))]
    assert [set(part) for part in settings] == [{"LabApp"}, {"disabledExtensions"}]
    for path in (ROOT / "Makefile", *(ROOT / "binder").iterdir()):
        assert not re.search(r"--ip|0\.0\.0\.0|[.-]token|[.-]password|allow.origin", path.read_text()), path.name


def test_binder_hands_on_the_hubs_command_word_by_word(tmp_path: Path) -> None:
    words = ["two words", "*", "$HOME", "--ip=0.0.0.0", ";", ""]
    echo = [sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))"]
    home = {**os.environ, "HOME": str(tmp_path / "a home")}
    done = subprocess.run([ROOT / "binder" / "start", *echo, *words], env=home, capture_output=True, cwd=tmp_path)
    assert json.loads(done.stdout) == words


def test_binders_public_image_holds_no_data_that_may_not_be_handed_on() -> None:
    commands = [line for line in (ROOT / "binder" / "postBuild").read_text().splitlines() if not line.startswith("#")]
    assert not any("fetch" in line for line in commands)


# --- What is stored


def traces() -> Iterator[str]:
    """What would name this machine or its user: names too short or too usual to say anything are left out."""
    yield from {str(ROOT), str(Path.home())}
    yield from {name for name in (platform.node(), getpass.getuser()) if len(name) > 4 and name != "localhost"}


def assert_no_trace(text: str, where: object) -> None:
    found = [trace for trace in traces() if trace in text]
    assert found == [], f"{where} names this machine or its user"
    assert re.findall(r"(?<![\w.])(?!127\.|0\.)\d{1,3}(?:\.\d{1,3}){3}(?![\w.])", text) == [], f"{where}: addresses"


def test_no_stored_notebook_result_or_log_names_a_user_folder_host_or_address() -> None:
    for path in [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "data").rglob("*.*")]:
        if path.suffix != ".ipynb":
            assert_no_trace(path.read_text(encoding="utf-8"), path.name)
            continue
        for cell in nbformat.read(path, as_version=4).cells:
            assert_no_trace(
                "\n".join([cell.source, *(t for o in cell.get("outputs", []) for t in texts(o))]), path.name
            )


def test_a_run_that_stops_keeps_its_error_without_the_place_of_the_checkout(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("from pmt_helpers.datasets import paper_table\npaper_table('fig99')")],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, tmp_path / "00_stops.ipynb")
    (run,) = run_notebooks([tmp_path / "00_stops.ipynb"], tmp_path / "out", report=lambda line: None)
    assert "fig99" in run.failure
    for name in ("00_stops.ipynb", "summary.csv"):
        text = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert "data/paper" in text
        assert str(ROOT) not in text
        assert str(tmp_path) not in text


def test_a_log_names_neither_machine_nor_user_nor_a_path_among_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLA_FLAGS", f"--xla_cpu_max_isa=AVX2 --xla_dump_to={tmp_path}")
    with Recorder(tmp_path / "log.jsonl", "measured-host", every_s=0) as recorder, recorder.span("load"):
        pass
    text = (tmp_path / "log.jsonl").read_text()
    assert_no_trace(text, "a log")
    assert str(tmp_path) not in text
    assert json.loads(text.splitlines()[0])["env"]["XLA_FLAGS"] == "--xla_cpu_max_isa=AVX2"


def test_the_answers_file_holds_answers_and_nothing_else(own_answers: Path, shown: list[str]) -> None:
    check("warm-up", lambda predicted, actual: 0.0)
    shown_quiz = quiz("00")
    press(shown_quiz.widget, next(iter(all_of(shown_quiz.widget, ipywidgets.Button))).description[2:])
    kept = json.loads(own_answers.read_text())
    assert set(kept) == {"file", "checks", "attempts", "quiz", "first choices"}
    assert set(kept["file"]) == {"format", "version"}
    assert_no_trace(own_answers.read_text(), "the answers")
    assert not re.search(r"\d{4}-\d\d|\d{6}", own_answers.read_text()), "a time"


def test_notebook_03_says_what_it_holds_of_ones_own_documents_and_how_to_clear_it() -> None:
    cells = nbformat.read(ROOT / "notebooks" / "03_topic_models.ipynb", as_version=4).cells
    (advice,) = [cell.source for cell in cells if "Clear Outputs" in cell.source]
    for word in ("path", "names and words", "`FOLDER` back to `None`", "pages", "build/"):
        assert word in advice.replace("\n", " ")


def test_a_notebook_with_outputs_cleared_holds_no_word_of_ones_own(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("folder", outputs=[nbformat.v4.new_output("stream", text="diary.txt: zebra")])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "mine.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--clear-output", "--inplace", "mine.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert "zebra" not in (tmp_path / "mine.ipynb").read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine")
@pytest.mark.parametrize(
    "name", ["my_workbook.json", "my_workbook.json.damaged", "my_workbook.json.damaged-2", ".my_workbook.json.lock"]
)
def test_git_never_takes_up_the_answers(name: str) -> None:
    inside = subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True)
    if inside.returncode:
        pytest.skip("not a git checkout")
    assert subprocess.run(["git", "check-ignore", "-q", f"notebooks/{name}"], cwd=ROOT).returncode == 0


# --- What others wrote is text


class Tags(HTMLParser):
    """The tags, texts and attributes of HTML, as a browser reads them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        sources = [value or "" for name, value in attrs if name == "src" or (name == "href" and tag == "link")]
        self.loaded += [source for source in sources if not source.startswith("data:")]

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_text_only(html: str, plant: str) -> None:
    """The plant is there to be read, and made no element or attribute."""
    read = Tags(html)
    assert not {"img", "script", "svg"} & set(read.tags), html
    wrong = [name for name, value in read.attributes if name.startswith("on") or value.startswith("javascript:")]
    assert wrong == [], html
    assert plant in read.text, html


@pytest.fixture
def own_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "my_workbook.json"
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(path))
    return path


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The HTML of every output, in order."""
    outputs: list[str] = []

    def publish(bundle: dict) -> None:
        outputs.append(bundle.get("text/html", ""))

    for module in ("display", "exercises.checks", "questions"):
        monkeypatch.setattr(f"pmt_helpers.teaching.{module}.publish", publish)
    return outputs


def test_the_test_finds_what_is_not_escaped() -> None:
    for plant in PLANTS:
        with pytest.raises(AssertionError):
            assert_text_only(f"<p title='{plant}'>{plant}</p>", plant)


@planted
def test_the_name_of_ones_own_file(plant: str, tmp_path: Path, shown: list[str]) -> None:
    name = plant.replace("/", "|")
    (tmp_path / f"{name}.txt").write_text(f"the soup {plant} soup")
    (tmp_path / f"{name}.doc").write_text("another kind")
    mine = load_own_documents(tmp_path)
    assert not set("".join(mine.vocabulary)) & set('<>"&=')
    say(mine.names[0], mine.skipped[0][0], *mine.skipped[0])
    assert_text_only(shown[0], name)
    assert_text_only(markdown2html(mine.card._repr_markdown_()), "Yours")


@planted
def test_every_text_of_a_data_card(plant: str) -> None:
    statement = Statement("size", plant.replace("{", ""), {})
    card = DataCard(
        name="watch", title="T", task=plant, who=plant, licence=plant, url=plant, citations=(plant,),
        facts=(statement,), defects=(statement,), details={"place": plant}, classes={"a": plant},
    )  # fmt: skip
    assert_text_only(markdown2html(card._repr_markdown_()), plant[:4])


@planted
def test_words_and_titles_of_documents(plant: str, own_answers: Path) -> None:
    wiki = load_documents("wikipedia").select(np.arange(60))
    vocabulary = (plant, *wiki.vocabulary[1:])
    groups = np.array([f"{plant} {group}" for group in wiki.groups])
    documents = DocumentData(wiki.counts, vocabulary, groups, groups, wiki.dropped, wiki.card, "")
    rng = np.random.default_rng(0)
    phi = rng.dirichlet(np.full(len(vocabulary), 0.01), 4) + 1e-6
    phi[:, 0] += 1
    topics = {plant: Topics(phi / phi.sum(axis=1, keepdims=True), vocabulary)}
    assert_text_only(topic_table(topics, documents).to_html(), plant)
    ((frame,),) = [
        [value for name, value in Tags(topic_map(topics, documents).to_html()).attributes if name == "srcdoc"]
    ]
    inside = Tags(frame)
    assert inside.tags.count("script") == 3
    assert "img" not in inside.tags


@planted
def test_questions_choices_and_guesses(plant: str, own_answers: Path, shown: list[str]) -> None:
    question = Question(plant, {plant: plant, "other": plant}, right=plant)
    asked = quiz("00", [question])
    press(asked.widget, plant)
    guess = prediction(plant, [plant, "other"], "key")
    press(guess.widget, plant)
    for html in (*all_of(asked.widget, ipywidgets.HTML), *all_of(guess.widget, ipywidgets.HTML)):
        if html.value and "<style>" not in html.value:
            assert_text_only(html.value, plant)
    reveal("key", plant)
    assert_text_only(shown[0], plant)


@planted
def test_an_answers_file_from_somebody_else(plant: str, own_answers: Path, shown: list[str]) -> None:
    own_answers.write_text(json.dumps({"predictions": {"key": plant}, "quiz": {"00-1": plant}, plant: {plant: plant}}))
    reveal("key", 0.5)
    assert_text_only(shown[0], plant)
    for html in all_of(prediction("?", [0, 1], "key").widget, ipywidgets.HTML):
        assert plant not in html.value
    assert not any(plant in html.value for html in all_of(quiz("00").widget, ipywidgets.HTML))
    assert Tags(export_button().to_html()).tags == ["a"]
    current_workbook()


@planted
def test_what_an_answer_returns_prints_or_raises(plant: str, own_answers: Path, shown: list[str]) -> None:
    def raises(predicted: object, actual: object) -> float:
        raise ValueError(plant)

    def prints(predicted: object, actual: object) -> float:
        print(plant)
        return -1.0

    check("warm-up", raises)
    check("warm-up", prints)
    for html in shown:
        assert_text_only(html, plant)
    check("warm-up", lambda predicted, actual: [plant])
    check("warm-up", plant)
    check(plant, None)
    for html in shown:
        assert not {"img", "script", "svg", "a"} & set(Tags(html).tags)


@planted
def test_the_header_note_and_name_of_an_uploaded_log(
    plant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))
    texts = dict.fromkeys(("run_id", "model", "cpu", "machine", "note", "utc", "python", "os"), plant)
    header, *spans = spans_text().splitlines()
    content = "\n".join([json.dumps(json.loads(header) | texts), *spans])
    assert_text_only(_result("mine.jsonl", content.encode()), plant)
    assert_text_only(_result("bad.jsonl", content.replace("measured-pi", "bad").encode()), "bad")
    name = plant.replace("/", "|")
    assert_text_only(_result(f"{name}.jsonl", content.encode()), name)
    log = tmp_path / "mine.jsonl"
    log.write_text(json.dumps(json.loads(header) | texts | {"schema": plant}))
    assert_text_only(_result("again.jsonl", log.read_bytes()), plant[-8:])


@planted
def test_a_logs_machine_and_kernel_are_no_links_in_a_figure(plant: str, tmp_path: Path) -> None:
    for number in (1, 2):
        text = spans_text(model=f"{number}{plant}", kernel=plant)
        (tmp_path / f"{number}.jsonl").write_text(text)
    rows = training_rows(spans_of(read_log(tmp_path / f"{number}.jsonl") for number in (1, 2)))
    figure = figures.seconds_by_samples(rows)
    drawn = json.dumps(figure.bundle(), ensure_ascii=False)
    assert plant.split("<")[-1][:8].split('"')[0] in drawn
    assert not re.search(r"<(?!/?(?:br|span|extra)\b)", drawn)


@planted
def test_the_pages_of_a_run(plant: str) -> None:
    outputs = [
        nbformat.v4.new_output("stream", text=plant),
        nbformat.v4.new_output("execute_result", {"text/plain": plant}, execution_count=1),
        nbformat.v4.new_output("error", ename=plant, evalue=plant, traceback=[plant, f"\x1b[31m{plant}\x1b[0m"]),
        nbformat.v4.new_output("display_data", Figure(go.Figure(go.Bar(x=[plant], y=[1], name=plant)), plant).bundle()),
    ]
    cell = nbformat.v4.new_code_cell(repr(plant), outputs=outputs)
    html = page(nbformat.v4.new_notebook(cells=[cell], metadata={"title": plant}), plant)
    read = Tags(html)
    assert read.text.count(plant) >= 5  # the code, and each output but the figure
    assert read.tags.count("script") == Tags(page(nbformat.v4.new_notebook(), "")).tags.count("script") + 2, (
        "plotly.js, the figure"
    )
    assert not {"img", "b"} & set(read.tags)
    assert not any(name.startswith("on") or value.startswith("javascript:") for name, value in read.attributes)
