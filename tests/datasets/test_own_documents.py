"""A folder of one's own texts becomes a corpus: what can be read is read, the rest is named, nothing leaves."""

import base64
import contextlib
import logging
import os
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError, DocumentData, check_card, load_own_documents, own_documents
from pmt_helpers.datasets.own_documents import UnreadableError, read_own_file


def pdf_bytes(*pages: str) -> bytes:
    """A small PDF, one line of text a page; a page of "" holds a picture's place and no text."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", ""]
    kids = []
    for text in pages:
        stream = "\n".join(
            f"BT /F1 12 Tf 72 {700 - 20 * n} Td ({line}) Tj ET" for n, line in enumerate(text.split("\n"))
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream if text else ' ' * len(stream)}\nendstream")
        font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
        box = f"/MediaBox [0 0 612 792] /Resources {font} /Contents {len(objects)} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} >>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    tail = (
        f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(places) + 1} /Root 1 0 R >>\n"
    )
    return out + f"{tail}startxref\n{len(out)}\n%%EOF\n".encode("latin-1")


def locked(path: Path, password: str) -> Path:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(path))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    writer.write(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "garden.txt").write_text("Roses need water. " * 200, encoding="utf-8")
    (tmp_path / "notes.md").write_text("# Ideas\n\n* planets orbit stars, see https://example.org/stars\n")
    (tmp_path / "paper.pdf").write_bytes(pdf_bytes("Models learn exam-\nples quickly", "Second page"))
    return tmp_path


def test_own_files_become_documents_of_about_200_words(folder: Path) -> None:
    data = load_own_documents(folder)
    assert isinstance(data, DocumentData)
    assert data.names.tolist() == ["garden.txt (1 of 3)", "garden.txt (2 of 3)", "garden.txt (3 of 3)", "notes.md",
                                   "paper.pdf"]  # fmt: skip
    assert data.groups.tolist() == ["garden.txt"] * 3 + ["notes.md", "paper.pdf"]
    assert data.lengths[:3].tolist() == [200, 200, 200]
    assert set(data.vocabulary) == {"roses", "need", "water", "ideas", "planets", "orbit", "stars", "models", "learn",
                                    "examples", "quickly", "second", "page"}  # fmt: skip
    assert data.skipped == ()
    assert str(folder) in data.source
    assert check_card(data)["ok"].all()


def test_the_card_names_no_file_and_counts_what_was_skipped(folder: Path) -> None:
    (folder / "secret-plan.docx").write_bytes(b"PK")
    card = load_own_documents(folder).card
    for text in (str(card), card._repr_markdown_(), repr(load_own_documents(folder))):
        assert "secret" not in text
        assert "garden" not in text
    assert "5 documents from 3 different texts" in str(card)
    assert "1 files or parts of files could not be used" in str(card)


def test_documents_without_a_given_word_are_named(folder: Path) -> None:
    data = load_own_documents(folder, ["stars", "water", "comet"])
    assert data.vocabulary == ("stars", "water", "comet")
    assert data.skipped == (("paper.pdf", "no word of the vocabulary in it"),)
    assert data.lengths.tolist()[-1] == 1
    assert data.dropped.tolist()[-1] == 3
    grown = load_own_documents(folder, ["stars", "water", "comet"], grow=True)
    assert grown.vocabulary[:3] == ("stars", "water", "comet")
    assert (len(grown), grown.skipped) == (5, ())


def test_rare_words_go_when_asked(folder: Path) -> None:
    data = load_own_documents(folder, min_documents=2)
    assert data.vocabulary == ("need", "roses", "water")
    assert {name for name, _ in data.skipped} == {"notes.md", "paper.pdf"}


def test_files_with_the_same_words_share_a_group(folder: Path) -> None:
    (folder / "copy of notes.txt").write_text((folder / "notes.md").read_text())
    data = load_own_documents(folder)
    assert data.groups[data.names == "notes.md"].tolist() == ["copy of notes.txt"]


def test_hidden_files_lock_files_and_subfolders_are_not_read(folder: Path) -> None:
    (folder / ".diary.txt").write_text("hidden words")
    (folder / "~$letter.txt").write_text("locked words")
    (folder / "archive").mkdir()
    (folder / "archive" / "old.txt").write_text("archived words")
    data = load_own_documents(folder)
    assert not {"hidden", "locked", "archived"} & set(data.vocabulary)
    assert data.skipped == (("archive", "a folder; only files beside it are read"),)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"", "an empty file"),
        ("blank.md", b" \n\n", "no words in it"),
        ("numbers.txt", b"12 13 14, the of and", "no words in it"),
        ("latin.txt", "Grün".encode("latin-1"), "no UTF-8 text (byte 2); save it in that encoding"),
        ("binary.txt", b"MZ\x00\x01\x02", "no text: it holds null bytes"),
        ("letter.docx", b"PK\x03\x04", "only .txt, .md, .pdf files are read"),
        ("no_suffix", b"words", "only .txt, .md, .pdf files are read"),
        ("large.txt", b"words " * 200_000, "1.2 MB, more than largest_mb = 1"),
        ("junk.pdf", b"words, not a PDF", "a damaged PDF"),
        ("scan.pdf", pdf_bytes("", ""), "a PDF without text; are its pages pictures?"),
        ("no_pages.pdf", pdf_bytes(), "a PDF without text"),
        ("cut.pdf", pdf_bytes("some words")[:120], "a damaged PDF"),
    ],
)
def test_an_unusable_file_is_named_with_its_reason(folder: Path, name: str, content: bytes, reason: str) -> None:
    (folder / name).write_bytes(content)
    data = load_own_documents(folder, largest_mb=1)
    assert len(data) == 5
    ((skipped, why),) = data.skipped
    assert skipped == name
    assert why.startswith(reason)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_texts_saved_by_windows_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "text.TXT").write_bytes("Grüne Wörter\r\n".encode(encoding))
    assert load_own_documents(tmp_path).vocabulary == ("grüne", "wörter")


def test_a_broken_link_is_named(folder: Path) -> None:
    (folder / "link.txt").symlink_to(folder / "nowhere.txt")
    assert load_own_documents(folder).skipped == (("link.txt", "No such file or directory"),)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Root may read everything, and CI is root: step down to a user who may not, for one test."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("words")
    secret.chmod(0)
    request.getfixturevalue("nobody")
    with pytest.raises(UnreadableError, match="Permission denied"):
        read_own_file(secret, 1)


def test_only_a_pdf_with_a_real_password_is_skipped(folder: Path) -> None:
    (folder / "open.pdf").write_bytes(pdf_bytes("opened without asking"))
    (folder / "shut.pdf").write_bytes(pdf_bytes("shut away"))
    locked(folder / "open.pdf", "")
    locked(folder / "shut.pdf", "sesame")
    data = load_own_documents(folder)
    assert data.skipped == (("shut.pdf", "a PDF that needs a password"),)
    assert "opened" in data.vocabulary
    assert "away" not in data.vocabulary


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_pdf_stops_nothing_and_stays_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    """A stretch of the file is overwritten, cut out or cut off: text, or a reason; never another error or a word."""
    whole = pdf_bytes("Some words on a page", "and more")
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.one_of(st.integers(start, min(start + 40, len(whole))), st.just(len(whole))))
    path = tmp_path / "damaged.pdf"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=12)) + whole[stop:])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with contextlib.suppress(UnreadableError):
            assert isinstance(read_own_file(path, 1), str)
    assert capfd.readouterr() == ("", "")


def test_pypdf_is_as_talkative_as_before_afterwards(folder: Path) -> None:
    before = logging.getLogger("pypdf").level
    load_own_documents(folder)
    assert logging.getLogger("pypdf").level == before


def test_nothing_usable_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="an empty folder"):
        load_own_documents(tmp_path)
    for number in range(5):
        (tmp_path / f"{number}.txt").write_bytes(b"")
    with pytest.raises(DataError, match="none") as caught:
        load_own_documents(tmp_path)
    assert caught.value.found.startswith("none (0.txt: an empty file; 1.txt: an empty file; ")
    assert caught.value.found.endswith("; and 2 more)")


def test_no_known_word_in_any_document_is_an_error(folder: Path) -> None:
    with pytest.raises(DataError, match="5 documents without any") as caught:
        load_own_documents(folder, ["comet"])
    assert "grow=True" in caught.value.remedy


@pytest.mark.parametrize(("name", "says"), [("nowhere", "No such file"), ("garden.txt", "Not a directory")])
def test_what_is_no_folder_is_an_error(folder: Path, name: str, says: str) -> None:
    with pytest.raises(DataError, match="a folder with your texts") as caught:
        load_own_documents(folder / name)
    assert says in caught.value.found


def test_nothing_is_sent_or_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("load_own_documents tried to reach the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("PMT_DATA_HOME", str(folder / "home"))
    before = sorted(folder.rglob("*"))
    load_own_documents(folder)
    assert sorted(folder.rglob("*")) == before


def test_the_home_folder_may_be_written_as_a_tilde(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    assert np.unique(load_own_documents("~").groups).tolist() == ["garden.txt", "notes.md", "paper.pdf"]


@pytest.mark.parametrize(
    "broken",
    [
        "exam-\nination",
        "exam-\r\nination",
        "exam- \nination",
        "exam-\n   ination",
        "exam-\n\fination",
        "exam-\n\nination",
    ]
    + [f"exam{hyphen}\nination" for hyphen in "\u2010\u2011\xad"]
    + ["exam-\u2028ination", "exam\xadination", "EXAM-\nINATION"],
)
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_a_word_broken_by_any_hyphen_is_one_word(tmp_path: Path, name: str, broken: str) -> None:
    (tmp_path / name).write_bytes(f"the {broken} of potatoes".encode())
    assert load_own_documents(tmp_path).vocabulary == ("examination", "potatoes")


def test_a_word_broken_at_the_end_of_a_page_is_one_word(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_bytes("an exam-", "ination of potatoes"))
    assert load_own_documents(tmp_path).vocabulary == ("examination", "potatoes")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- potatoes\n- garden", ("garden", "potatoes")),
        ("Anglo-\nSaxon potatoes", ("anglo", "potatoes", "saxon")),
        ("prewar-\nand postwar", ("postwar", "prewar")),
        ("garden \u2014\npotatoes", ("garden", "potatoes")),
    ],
)
def test_a_hyphen_of_its_own_joins_nothing(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert load_own_documents(tmp_path).vocabulary == words


@pytest.mark.parametrize(
    "text",
    [
        "我的家人每天都喜欢读书和唱歌",
        "私の家族は毎日本を読む",
        "ผมชอบอ่านหนังสือทุกวัน",
        "ខ្ញុំចូលចិត្តអានសៀវភៅ",
        "ຂ້ອຍມັກອ່ານປຶ້ມ",
        "ကျွန်တော်စာအုပ်ဖတ်ရ",
    ],
)
def test_a_script_without_spaces_is_said_to_be_one(folder: Path, text: str) -> None:
    (folder / "diary.txt").write_text(text, encoding="utf-8")
    (folder / "mixed.txt").write_text("Roses need water in the garden and soup. " * 3 + text[:12], encoding="utf-8")
    skipped = dict(load_own_documents(folder).skipped)
    assert "without spaces between words" in skipped["diary.txt"]
    assert skipped["mixed.txt"].endswith("the rest is read")


def test_a_note_with_a_picture_in_it_is_its_words(tmp_path: Path) -> None:
    code = base64.b64encode(np.random.default_rng(0).bytes(300_000)).decode()
    lines = "\n".join(code[at : at + 76] for at in range(0, len(code), 76))
    (tmp_path / "note.md").write_text(f"potatoes ![p](data:image/png;base64,{code}) garden")
    (tmp_path / "mail.txt").write_text(f"potatoes\n{lines}\n\ngarden")
    words = load_own_documents(tmp_path).vocabulary
    assert {"garden", "potatoes"} <= set(words)
    assert len(words) < 10


def test_what_is_too_long_is_named_and_the_rest_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_documents, "PDF_PAGES", 1)
    monkeypatch.setattr(own_documents, "MOST_WORDS", 400)
    (folder / "long.txt").write_text("potatoes garden " * 300)
    (folder / "garden.txt").write_text("Roses need water. " * 100)
    data = load_own_documents(folder)
    assert dict(data.skipped) == {
        "long.txt": "more than 400 words: split it",
        "paper.pdf": "2 pages; at most 1 are read: split it",
    }


def test_a_pdf_that_takes_too_long_is_named_and_the_rest_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(page: object) -> str:
        while True:
            with contextlib.suppress(Exception):  # as pypdf does
                time.sleep(0.001)

    monkeypatch.setattr("pypdf.PageObject.extract_text", endless)
    monkeypatch.setattr(own_documents, "PDF_SECONDS", 0.2)
    data = load_own_documents(folder)
    assert dict(data.skipped) == {"paper.pdf": "a PDF that takes more than 0.2 s to read: split it"}
    assert "roses" in data.vocabulary


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders on this system")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe.txt")
    assert load_own_documents(folder).skipped == (("pipe.txt", "a pipe or device, not a file"),)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")
def test_a_link_is_followed_within_the_folder_and_never_out_of_it(folder: Path, tmp_path_factory) -> None:
    before = load_own_documents(folder)
    outside = tmp_path_factory.mktemp("outside")
    (outside / "diary.txt").write_text("zebra zebra zebra")
    for name, target in (("file", outside / "diary.txt"), ("rest", outside), ("gone", outside / "x")):
        (folder / f"{name}.txt").symlink_to(target)
    (folder / "again.md").symlink_to("notes.md")
    through = outside / "entrance"
    through.symlink_to(folder)
    data = load_own_documents(through)
    assert "zebra" not in data.vocabulary
    links = {name: why for name, why in data.skipped if "link" in why}
    assert set(links) == {"file.txt", "rest.txt", "gone.txt"}
    assert set(data.names) - set(before.names) == {"again.md"}


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="this system has no such names")
def test_a_name_that_is_no_text_can_be_shown(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("soup and violins")
    names = load_own_documents(folder).names.tolist()
    assert "caf\ufffd.txt" in names
    assert "\n".join(names).encode()
