"""A file is either the old one or the new one; and data is looked for where the person said."""

from pathlib import Path

import pytest

from pmt_helpers.datasets import dataset_names
from pmt_helpers.datasets.files import atomic_path, data_home, installed_file, shipped


def test_a_finished_file_takes_the_name_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "answers.json"
    with atomic_path(target) as temporary:
        temporary.write_text("1")
        assert temporary.suffix == ".json"
        assert not target.exists()
    assert target.read_text() == "1"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt])
def test_a_failed_write_keeps_the_old_file(tmp_path: Path, trouble: type[BaseException]) -> None:
    target = tmp_path / "answers.json"
    target.write_text("old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half of the ne")
            raise trouble

    with pytest.raises(trouble):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_data_home_is_where_the_person_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))
    assert data_home() == tmp_path
    monkeypatch.setenv("PMT_DATA_HOME", "~/data")
    assert data_home() == Path.home() / "data"
    monkeypatch.setenv("PMT_DATA_HOME", " ")
    assert data_home().name == "pmt-workbook"
    monkeypatch.delenv("PMT_DATA_HOME")
    assert data_home().is_absolute()


@pytest.mark.parametrize("name", dataset_names())
def test_the_cards_ship(name: str) -> None:
    assert shipped("cards", f"{name}.toml").is_file()


def test_a_file_of_an_installed_package_is_found_without_running_it() -> None:
    found = installed_file("seglearn", "data", "watch_dataset.npy")
    assert found is not None
    assert found.is_file()
    assert installed_file("seglearn", "data", "nothing.npy") is None
    assert installed_file("no_such_package", "file") is None
