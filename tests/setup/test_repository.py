"""What must hold for every file of the repository: nothing of one machine only, nothing large, nothing borrowed."""

import ast
import hashlib
import os
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
import yaml

from pmt_helpers.teaching.exercises import NOTEBOOKS
from pmt_helpers.workbook.files import learner_paths
from pmt_helpers.workbook.pages import TITLE

ROOT = Path(__file__).resolve().parents[2]
LARGEST = 1_000_000  # bytes
# Written in pieces, so that this file does not find itself.
LOCAL_PLACES = re.compile("/(?:" + "|".join(("tmp", "work", "root", "opt")) + ")/")
REGISTRIES = re.compile("pypi" + r"\.(?:org|io)|" + "pythonhosted" + r"\.org|" + "registry" + r"\.npm", re.IGNORECASE)


@cache
def repository_files() -> list[Path]:
    """What git tracks, and what it would track; outside a checkout, nothing to look at."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout: no list of the repository's files")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def lines_with(pattern: re.Pattern) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in repository_files()
        for number, line in enumerate(path.read_bytes().decode("utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_folder_of_the_machine_it_was_made_on() -> None:
    assert lines_with(LOCAL_PLACES) == []


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert lines_with(REGISTRIES) == []


def test_no_file_is_over_a_megabyte() -> None:
    assert [path for path in repository_files() if path.stat().st_size > LARGEST] == []


def test_no_file_is_a_copy_of_data_that_must_not_be_shared() -> None:
    if not (data := os.environ.get("PMT_DATA_HOME")):
        pytest.skip("PMT_DATA_HOME is not set: no data to compare with")
    originals = {hashlib.sha256(path.read_bytes()).digest() for path in Path(data).rglob("*") if path.is_file()}
    copies = [path for path in repository_files() if hashlib.sha256(path.read_bytes()).digest() in originals]
    assert copies == []


def test_the_scripts_that_others_start_are_executable() -> None:
    for name in (".ci/run", "binder/postBuild", "binder/start", "tools/find_python.sh"):
        assert (ROOT / name).stat().st_mode & 0o111, f"{name} must be executable: chmod +x {name}"


def test_every_shell_script_is_well_formed() -> None:
    for name in (".ci/run", "binder/postBuild", "binder/start", "binder/environment"):
        subprocess.run(["bash", "-n", ROOT / name], check=True)


def test_no_progress_bar_sets_a_delay_of_its_own() -> None:
    """TQDM_DELAY keeps bars out of stored notebooks and of their comparison; a bar's own delay would win over it."""
    calls = {
        f"{path.relative_to(ROOT)}:{node.lineno}": {keyword.arg for keyword in node.keywords}
        for path in (ROOT / "pmt_helpers").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tqdm"
    }
    assert len(calls) > 5, "the calls are named otherwise now"
    assert [place for place, keywords in calls.items() if "delay" in keywords] == []


def test_every_notebook_has_exercises_a_line_in_the_readme_and_a_link_to_the_next() -> None:
    sources = sorted((ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py"))
    readme = (ROOT / "README.md").read_text()
    assert tuple(path.name[:2] for path in sources) == NOTEBOOKS
    for path, following in zip(sources, [*sources[1:], None], strict=True):
        assert f"(notebooks/{path.stem}.ipynb) |" in readme, f"README.md has no line for {path.stem}"
        text = path.read_text()
        if following is None:
            assert "last notebook" in text
        else:
            assert re.search(rf"\*\*Next:\*\* \[[^]]+\]\({following.stem}\.ipynb\)", text), (
                f"{path.stem} links elsewhere"
            )
            assert "last notebook" not in text


def test_the_myst_site_has_every_notebook_in_order_under_the_title_that_the_map_gives_it() -> None:
    settings = yaml.safe_load((ROOT / "myst.yml").read_text(encoding="utf-8"))
    start = (ROOT / "notebooks" / "source" / "00_start_here.py").read_text(encoding="utf-8")
    the_map = re.findall(r"^# \| (?:\*\*(.+?)\*\*|\[(.+?)\]\((.+?)\)) \|", start, re.MULTILINE)
    expected = [(link or "00_start_here.ipynb", own or title) for own, title, link in the_map]
    chapters = settings["project"]["toc"]
    assert [(chapter["file"], chapter["title"]) for chapter in chapters] == [
        (f"notebooks/{link}", title) for link, title in expected
    ]
    assert [chapter["file"] for chapter in chapters] == [f"notebooks/{path.name}" for path in learner_paths()]
    assert settings["project"]["title"] == TITLE
