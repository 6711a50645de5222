"""A data card says nothing that code does not measure, and the measuring can fail."""

import re
from dataclasses import replace

import numpy as np
import pytest

from pmt_helpers.activity.splits import SPLIT_KINDS
from pmt_helpers.datasets import (
    DataCard,
    DocumentData,
    activity_names,
    check_card,
    dataset_names,
    document_names,
    load_activity,
    load_card,
    load_documents,
)
from pmt_helpers.datasets.registry import dataset


@pytest.mark.parametrize("name", dataset_names())
def test_statements_and_measures_match(name: str) -> None:
    card = load_card(name)
    ids = [statement.id for statement in card.facts + card.defects]
    assert sorted(ids) == sorted(dataset(name).measures)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", dataset_names())
def test_a_card_names_task_who_licence_and_citation(name: str) -> None:
    card = load_card(name)
    assert card.name == name
    assert all((card.title, card.task, card.who, card.licence, card.citations, card.facts, card.defects))
    assert card.url.startswith("https://")
    assert load_card(name) is card


@pytest.mark.parametrize("name", activity_names())
def test_activity_cards_name_sensor_rate_and_window(name: str) -> None:
    card = load_card(name)
    assert tuple(card.details) == ("sensor", "rate", "window")
    assert len(card.classes) > 1


@pytest.mark.parametrize("name", activity_names())
def test_the_contract_says_in_numbers_what_the_card_says_in_words(name: str) -> None:
    card = load_card(name)
    contract = card.contract
    assert float(card.details["rate"].split()[0]) == contract.rate_hz
    assert float(card.details["window"].split()[0]) == contract.window_s
    assert f"({contract.readings} readings)" in card.details["window"]
    assert ("not overlapping" in card.details["window"]) == (contract.step == contract.readings)
    assert (contract.unit, contract.gravity) == ("m/s2", True)
    assert contract.placement.split()[-1] in card.details["sensor"].replace("moves;", "moves")


@pytest.mark.parametrize("name", activity_names())
def test_activity_cards_say_what_experiments_need(name: str) -> None:
    card = load_card(name)
    assert len(set(card.similar_classes)) == 2
    assert {*card.similar_classes, card.backdoor_target} <= set(card.classes)
    assert card.unseen_split in SPLIT_KINDS


@pytest.mark.parametrize(("name", "classes"), [("watch", 7), ("wisdm", 6)])
def test_a_card_names_every_class(name: str, classes: int) -> None:
    assert len(load_card(name).classes) == classes


@pytest.mark.parametrize("name", document_names())
def test_document_cards_name_language_document_and_words(name: str) -> None:
    card = load_card(name)
    assert tuple(card.details) == ("language", "document", "words")
    assert not card.classes
    assert "Classes" not in str(card)


@pytest.mark.parametrize("name", dataset_names())
@pytest.mark.parametrize("written", [str, DataCard._repr_markdown_])
def test_a_card_prints_its_statements_with_numbers(name: str, written: type[str]) -> None:
    card = load_card(name)
    text = written(card)
    assert card.licence in text
    assert all(str(statement).split(":")[0][:40] in text for statement in card.facts + card.defects)
    assert not re.search(r"{\w*}", text)


def test_the_watch_is_as_its_card_states() -> None:
    table = check_card(load_activity("watch"))
    assert table.columns.tolist() == ["what", "stated", "found", "ok"]
    assert table["ok"].all(), table[~table["ok"]]
    assert table["ok"].notna().all()


@pytest.mark.usefixtures("real_wisdm")
def test_wisdm_is_as_its_card_states() -> None:
    table = check_card(load_activity("wisdm"))
    assert table["ok"].all(), table[~table["ok"].fillna(True)]


def test_wikipedia_is_as_its_card_states(real_wikipedia: DocumentData) -> None:
    table = check_card(real_wikipedia)
    assert table["ok"].all(), table[~table["ok"]]
    assert table["ok"].notna().all()


def test_the_news_are_as_their_card_states() -> None:
    table = check_card(load_documents("news"))
    assert table["ok"].all(), table[~table["ok"]]
    assert table["ok"].notna().all()


@pytest.mark.usefixtures("real_nips")
def test_nips_is_as_its_card_states() -> None:
    table = check_card(load_documents("nips"))
    assert table["ok"].fillna(True).all(), table[~table["ok"].fillna(True)]
    assert table["ok"].isna().sum() <= 1  # about the full table, where only the reduced one is at hand


def test_a_dataset_that_lost_windows_disagrees() -> None:
    data = load_activity("watch")
    table = check_card(data.select(data.users != 7))
    size = [statement.id for statement in data.card.facts].index("size")
    assert table.loc[size, "found"] == "windows 1,541, users 9, features 43"
    assert not table.loc[size, "ok"]
    assert table.loc[0, "ok"]  # the file itself is as before


@pytest.mark.usefixtures("real_wisdm")
def test_a_repaired_wisdm_disagrees_with_its_card() -> None:
    """Repair what can be repaired in the table, and see the statements about it fail, and only those."""
    data = load_activity("wisdm")
    name = data.feature_names.index
    X = np.nan_to_num(data.X, nan=500.0)
    X[:, name("XAVG")] = 0.1
    X[:, name("ZSTANDDEV")] += 1
    table = check_card(replace(data, X=X))
    ids = [statement.id for statement in data.card.facts + data.card.defects]
    wrong = {id_ for id_, agrees in zip(ids, table["ok"].fillna(True), strict=True) if not agrees}
    assert wrong == {"missing-cells", "missing-is-informative", "xavg-is-zero", "zstanddev-is-a-copy"}


def test_news_without_copies_disagree_with_their_card() -> None:
    """Keep one of each text and of each pair of texts that are alike, and see the statements about that fail."""
    data = load_documents("news")
    once = data.select(np.unique(data.groups))
    repaired = once.select(~np.isin(once.groups, [72, 107, 191, 241]))
    ids = [statement.id for statement in data.card.facts + data.card.defects]
    agrees = dict(zip(ids, check_card(repaired)["ok"], strict=True))
    assert agrees["file"]
    assert agrees["unlabelled"]
    assert not any(agrees[id_] for id_ in ("size", "duplicates", "near-duplicates", "fewer-than-described"))


def test_wikipedia_without_its_longest_articles_disagrees(real_wikipedia: DocumentData) -> None:
    _, article, sizes = np.unique(real_wikipedia.groups, return_inverse=True, return_counts=True)
    fewer = real_wikipedia.select(sizes[article] < sizes.max())
    ids = [statement.id for statement in fewer.card.facts + fewer.card.defects]
    agrees = dict(zip(ids, check_card(fewer)["ok"], strict=True))
    assert agrees["file"]
    assert not any(agrees[id_] for id_ in ("size", "one-letter", "uneven-articles", "words-of-one-article"))
