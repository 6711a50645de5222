"""The doctor looks at every dataset: installed ones must be there, fetched ones may be missing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from pmt_helpers.commands.workbook import doctor
from pmt_helpers.datasets import DataError, dataset_names
from pmt_helpers.datasets.registry import DOCUMENTS, dataset
from pmt_helpers.teaching.surroundings import check_data


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))


def test_every_dataset_is_looked_at_and_only_fetched_ones_may_be_missing() -> None:
    output = CliRunner().invoke(doctor).output
    found = {name: re.search(rf"^(ok|note) +data {name} +(.*)$", output, re.MULTILINE) for name in dataset_names()}
    states = {name: match[1] for name, match in found.items() if match}
    assert states == {name: "note" if dataset(name).fetch else "ok" for name in dataset_names()}
    assert (states["watch"], states["wisdm"], states["nips"]) == ("ok", "note", "note")
    assert "1,265 documents, 11,087 words, 214,360 tokens" in output
    assert "python -m pmt_helpers data fetch nips" in output


def test_the_learners_progress_comes_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text('{"checks": {"warm-up": "right"}}', encoding="utf-8")
    monkeypatch.setenv("PMT_WORKBOOK_FILE", str(path))
    told = CliRunner().invoke(doctor).output.partition("Your progress:")[2]
    assert "00: 1 of 1 exercises are right" in told
    assert "06: not begun" in told


def test_installed_documents_that_cannot_be_loaded_stop_the_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*args: object, **kwargs: object) -> None:
        raise DataError(file="news.cor", expected="300 texts", found="3", remedy="Install gensim again.")

    monkeypatch.setitem(DOCUMENTS, "news", replace(DOCUMENTS["news"], load=damaged))
    finding = check_data("news")
    assert (finding.state, finding.found, finding.remedy) == ("stop", "cannot be loaded (3)", "Install gensim again.")
    result = CliRunner().invoke(doctor)
    assert result.exit_code == 1
    assert re.search(r"^STOP +data news ", result.output, re.MULTILINE)
