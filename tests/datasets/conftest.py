"""Small stand-ins for what is not shipped, so that every test runs without it; the real files where PMT_DATA_HOME has
them. Wikipedia is parsed once for all tests, away from the developer's own cache.
"""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pmt_helpers.datasets import DocumentData, load_documents, wikipedia, wisdm
from pmt_helpers.datasets.features import FEATURE_NAMES
from pmt_helpers.datasets.wisdm import ABOUT, ARFF, content_digest


def small_rows() -> list[str]:
    """Two users, six classes, two windows each; every third XPEAK is missing."""
    rows = []
    for number in range(24):
        user, name = 1 + number // 12, wisdm.CLASS_NAMES[number // 2 % 6]
        features = [f"{0.01 * (number + column):.2f}" for column in range(43)]
        features[33] = "?" if number % 3 == 0 else "512.5"
        rows.append(",".join([str(number + 1), str(user), *features, name]))
    return rows


def arff_text(
    rows: list[str] | None = None, *, quote: str = '"', space: str = " ", line_end: str = "\n", row_end: str = "",
    data_word: str = "@data",
) -> str:  # fmt: skip
    """An ARFF text in one of the header styles in circulation."""

    def name(text: str) -> str:
        return f"{quote}{text}{quote}"

    classes = f"{space}{{ {' , '.join(map(name, wisdm.CLASS_NAMES))} }}"
    lines = ["@relation activity_recognition_labeled", "", f"@attribute {name('UNIQUE_ID')} numeric"]
    lines += [f"@attribute {name('user')} {{{name('1')} , {name('2')}}}"]
    lines += [f"@attribute {name(feature)} numeric" for feature in FEATURE_NAMES]
    lines += [f"@attribute class{classes}", "", data_word]
    lines += [row + row_end for row in (small_rows() if rows is None else rows)]
    return line_end.join(lines) + line_end


@pytest.fixture
def make_arff() -> Callable[..., str]:
    return arff_text


@pytest.fixture
def rows() -> list[str]:
    return small_rows()


@pytest.fixture
def small_wisdm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty wisdm folder in an own PMT_DATA_HOME; the small table passes for the published one."""
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(wisdm, "DIGEST", content_digest(arff_text()))
    folder = tmp_path / "wisdm"
    folder.mkdir()
    return folder


def archive_bytes(arff: str, folder: str = "WISDM_ar_v1.1/") -> bytes:
    """A tar.gz like the official one: readme and about file first, the table last."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in (("readme.txt", "please cite"), (ABOUT, "Number of examples: 24"), (ARFF, arff)):
            member = tarfile.TarInfo(folder + name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def make_archive() -> Callable[..., bytes]:
    return archive_bytes


@pytest.fixture
def real_wisdm() -> None:
    """Skips unless PMT_DATA_HOME holds the real WISDM."""
    home = os.environ.get("PMT_DATA_HOME")
    if not home or not any((Path(home) / "wisdm").rglob("WISDM_ar*")):
        pytest.skip("PMT_DATA_HOME holds no wisdm/ folder with the data")


@pytest.fixture(scope="session")
def real_wikipedia(tmp_path_factory: pytest.TempPathFactory) -> DocumentData:
    """The Wikipedia sample, freshly parsed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PMT_DATA_HOME", str(tmp_path_factory.mktemp("home")))
        wikipedia.read_wikipedia.cache_clear()
        wikipedia._documents.cache_clear()
        return load_documents("wikipedia")


@pytest.fixture
def real_nips() -> None:
    """Skips unless PMT_DATA_HOME holds the NIPS papers."""
    home = os.environ.get("PMT_DATA_HOME")
    if not home or not any((Path(home) / "nips").glob("docword.nips*")):
        pytest.skip("PMT_DATA_HOME holds no nips/ folder with the data")
