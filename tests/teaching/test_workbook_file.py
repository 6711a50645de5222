"""The learner's file: what it keeps, and what happens when it is damaged or cannot be written."""

import base64
import json
import re
import subprocess
import sys

import pytest

import pmt_helpers
from pmt_helpers.teaching import export_button, my_person
from pmt_helpers.teaching.workbook_file import Workbook, current_workbook, workbook_path


@pytest.fixture
def path(tmp_path, monkeypatch):
    path = tmp_path / "my_workbook.json"
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(path))
    return path


def test_the_file_is_in_the_current_folder_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv("PMT_WORKBOOK_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert workbook_path() == tmp_path / "my_workbook.json"


def answers(path):
    """What a file holds beside its format and the first choices."""
    content = json.loads(path.read_text())
    assert content.pop("file") == {"format": 2, "version": pmt_helpers.__version__}
    content.pop("first choices", None)
    return content


def test_what_one_notebook_keeps_another_reads(path):
    Workbook(path).put("person", "watch", 7)
    other = Workbook(path)
    assert other.get("person", "watch") == 7
    assert other.get("person", "wisdm", 3) == 3


def test_two_open_notebooks_keep_each_others_answers(path):
    first, second = Workbook(path), Workbook(path)
    first.put("checks", "warm-up", "right")
    second.put("checks", "sgd-step", "to do")
    first.put("predictions", "gain", 0.5)
    assert answers(path) == {
        "checks": {"warm-up": "right", "sgd-step": "to do"},
        "predictions": {"gain": 0.5},
    }


def test_notebooks_that_answer_at_the_same_time_lose_nothing(path):
    script = "import sys; from pathlib import Path; from pmt_helpers.teaching.workbook_file import Workbook\n"
    script += "book = Workbook(Path(sys.argv[1]))\nfor n in range(60): book.put(sys.argv[2], str(n), n)"
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in ("checks", "quiz", "quiz2")
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    kept = answers(path)
    assert {name: len(section) for name, section in kept.items()} == {"checks": 60, "quiz": 60, "quiz2": 60}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_file_that_an_editor_saved_in_another_encoding_is_read(path, encoding, newline, capsys):
    path.write_bytes('{"person": {"watch": 7},\n "quiz": {"a": "é"}}'.replace("\n", newline).encode(encoding))
    assert Workbook(path).get("person", "watch") == 7
    assert Workbook(path).get("quiz", "a") == "é"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b" \n", b'{"checks": null}', b"{}"])
def test_an_empty_file_is_no_damage(path, content, capsys):
    path.write_bytes(content)
    workbook = Workbook(path)
    assert workbook.section("checks") == {}
    workbook.put("person", "watch", 5)
    assert Workbook(path).get("person", "watch") == 5
    assert capsys.readouterr().out == ""
    assert not list(path.parent.glob("*damaged*"))


def test_the_first_choice_stays_whatever_is_chosen_later(path):
    for choice in ("left", "right", "right"):
        Workbook(path).put("quiz", "01-1", choice)
    Workbook(path).put("predictions", "gain", 0.5)
    Workbook(path).put("checks", "warm-up", "right")
    assert Workbook(path).get("quiz", "01-1") == "right"
    assert Workbook(path).section("first choices") == {"01-1": "left", "gain": 0.5}


def test_a_file_of_an_earlier_edition_is_read_and_its_choice_is_the_first_known(path):
    path.write_text('{"quiz": {"01-1": "left"}, "checks": {"warm-up": "right"}}')
    Workbook(path).put("quiz", "01-1", "right")
    assert Workbook(path).get("first choices", "01-1") == "left"
    assert answers(path) == {"quiz": {"01-1": "right"}, "checks": {"warm-up": "right"}}


def test_two_files_joined_by_hand_keep_the_answers_of_both(path):
    path.write_text('{"checks": {"a": "right"}, "checks": {"b": "right"}}')
    assert Workbook(path).section("checks") == {"a": "right", "b": "right"}


def test_every_damaged_copy_is_kept(path, capsys):
    for number in range(3):
        path.write_text(f"damage {number}")
        Workbook(path).put("person", "watch", number)
    kept = sorted(path.parent.glob("*.damaged*"))
    assert [copy.read_text() for copy in kept] == ["damage 0", "damage 1", "damage 2"]
    assert "my_workbook.json.damaged-3" in capsys.readouterr().out


def test_a_link_into_a_synced_folder_stays_a_link_and_its_file_is_written(path, tmp_path):
    synced = tmp_path / "synced" / "mine.json"
    synced.parent.mkdir()
    synced.write_text('{"person": {"watch": 7}}')
    path.symlink_to(synced)
    workbook = Workbook(path)
    workbook.put("checks", "warm-up", "right")
    assert path.is_symlink()
    assert answers(synced) == {"person": {"watch": 7}, "checks": {"warm-up": "right"}}
    synced.write_text("damaged")
    assert workbook.get("person", "watch", 3) == 3
    assert synced.with_name("mine.json.damaged").read_text() == "damaged"
    assert path.is_symlink()


def test_what_is_no_number_is_not_exported_as_one(path):
    path.write_text('{"predictions": {"00-gain": NaN}}')
    assert Workbook(path).section("predictions") == {"00-gain": None}


def test_half_a_character_is_kept_as_it_is(path):
    Workbook(path).put("quiz", "01-1", "\ud83d")
    assert Workbook(path).get("quiz", "01-1") == "\ud83d"


@pytest.mark.parametrize(
    "content",
    [
        b"{not json", b'["a list"]', b'{"checks": 3}', b"\xff\xfe\x00", b"[" * 100_000, b"\0" * 80, b"\xed\xa0\x80",
        b'{"quiz": {"a": "\xe9"}}', b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> mine\n", b'{"checks": {"a": "ri',
        b'{"person": {"watch": 3,}}', b" " * 11_000_000, b'{"a": {"b": 1' + b"0" * 10_000 + b"}}",
    ],
)  # fmt: skip
def test_a_damaged_file_is_moved_and_a_new_one_begun(path, content, capsys):
    path.write_bytes(content)
    workbook = Workbook(path)
    assert workbook.get("person", "watch", 3) == 3
    said = capsys.readouterr().out
    assert "my_workbook.json could not be read" in said
    assert "my_workbook.json.damaged" in said
    assert path.with_name("my_workbook.json.damaged").read_bytes() == content
    assert len(said) < 400, "a damaged file may hold anything: it is not shown"
    workbook.put("person", "watch", 5)
    assert Workbook(path).get("person", "watch") == 5
    assert capsys.readouterr().out == ""


def test_a_read_only_folder_keeps_answers_in_memory_and_says_so_once(path, monkeypatch, capsys):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pmt_helpers.teaching.workbook_file.atomic_path", refuse)
    workbook = Workbook(path)
    workbook.put("person", "watch", 5)
    workbook.put("checks", "warm-up", "right")
    assert workbook.get("person", "watch") == 5
    assert workbook.get("checks", "warm-up") == "right"
    assert capsys.readouterr().out.count("cannot be written") == 1
    assert not path.exists()


def test_a_file_that_can_neither_be_read_nor_moved_is_left_alone(path, capsys):
    path.mkdir()  # a folder of that name: reading it fails
    (path / "keep").write_text("mine")
    path.with_name("my_workbook.json.damaged").write_text("in the way")
    workbook = Workbook(path)
    workbook.put("person", "watch", 5)
    assert workbook.get("person", "watch") == 5
    assert "starts without your earlier answers" in capsys.readouterr().out
    assert (path / "keep").read_text() == "mine"


def test_a_crash_while_writing_leaves_the_old_file(path, monkeypatch):
    workbook = Workbook(path)
    workbook.put("person", "watch", 5)
    monkeypatch.setattr("pathlib.Path.write_text", lambda *args, **kwargs: (_ for _ in ()).throw(OSError("disk full")))
    workbook.put("person", "watch", 6)
    monkeypatch.undo()
    assert answers(path) == {"person": {"watch": 5}}
    assert [name for name in map(str, path.parent.iterdir()) if not name.endswith(".lock")] == [str(path)]
    workbook.put("checks", "warm-up", "right")  # there is space again: what could not be written is written now
    assert answers(path) == {"person": {"watch": 6}, "checks": {"warm-up": "right"}}


def test_my_person_is_the_one_chosen_or_the_default(path):
    assert my_person("watch", default=3) == 3
    current_workbook().put("person", "watch", 8)
    assert my_person("watch", default=3) == 8
    assert my_person("wisdm", default=3) == 3


def test_a_person_that_is_no_number_is_passed_over(path):
    current_workbook().put("person", "watch", "eight")
    assert my_person("watch", default=3) == 3


def test_the_export_link_holds_the_whole_file(path, monkeypatch):
    current_workbook().put("quiz", "01-1", "Für immer")
    bundles = []
    monkeypatch.setattr("pmt_helpers.teaching.display.publish", bundles.append)
    export_button()._ipython_display_()
    encoded = re.search(r"base64,([\w+/=]+)\"", bundles[0]["text/html"]).group(1)
    assert json.loads(base64.b64decode(encoded))["quiz"] == {"01-1": "Für immer"}
    assert "download" in bundles[0]["text/plain"]
