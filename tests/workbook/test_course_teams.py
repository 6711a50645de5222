"""Red and blue team of a class: everybody plays the same hidden rounds, in a process apart."""

import nbformat
import numpy as np
import pytest

from pmt_helpers.attacks import score_attack, score_defence
from pmt_helpers.datasets import load_activity
from pmt_helpers.workbook.build import learner_copy, read_source
from pmt_helpers.workbook.course import teams
from pmt_helpers.workbook.course.reporting import _teams
from pmt_helpers.workbook.files import source_paths

SECRET = 77
ONE_LABEL = """def my_attack(X, y, likelihood, n_flips, rng):
    labels = y.copy()
    labels[:n_flips] = np.where(y[:n_flips] == 0, 1, 0)
    return labels"""
SECOND = """from scipy.stats import rankdata
def my_attack(X, y, likelihood, n_flips, rng):
    order = likelihood.argsort(axis=1)
    sure = np.argsort(-likelihood.max(axis=1))[:n_flips]
    labels = y.copy()
    labels[sure] = np.where(order[sure, -2] == y[sure], order[sure, -1], order[sure, -2])
    return labels"""
HALF = """def my_filter(X, y, users):
    return np.random.default_rng(len(y)).random(len(y)) < 0.5"""
BAD = {
    "greedy": "def my_attack(X, y, likelihood, n_flips, rng):\n    return (y + 1) % likelihood.shape[1]",
    "reader": "def my_attack(X, y, likelihood, n_flips, rng):\n    return open('/etc/passwd').read()",
    "endless": "def my_attack(X, y, likelihood, n_flips, rng):\n    while True: pass",
    "broken": "def my_attack(X, y, likelihood, n_flips, rng):\n    y = never_defined",
    "<b>": "def my_filter(X, y, users):\n    raise ValueError('<script>')",
}


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teams")
    made = learner_copy(read_source(source_paths(["04"])[0]))
    for student, code in {"ann": ONE_LABEL, "bo": SECOND, "cy": HALF, "unchanged": "", **BAD}.items():
        (folder / student).mkdir()
        mine = nbformat.from_dict({**made, "cells": [*made.cells, nbformat.v4.new_code_cell(code)]})
        nbformat.write(mine, folder / student / "04.ipynb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(teams, "SECONDS", 20.0)
        tables = teams.team_scores(folder, SECRET, n_rounds=2)
        patch.setattr("pmt_helpers.workbook.course.reporting.team_scores", lambda *_: tables)
        page = "".join(_teams(folder, SECRET))
    return {name: table.set_index("student") for name, table in tables.items()}, page


def test_only_who_changed_the_example_is_on_the_board(played):
    tables, _ = played
    assert sorted(tables["my_attack"].index) == ["ann", "bo", "broken", "endless", "greedy", "reader"]
    assert sorted(tables["my_filter"].index) == ["<b>", "cy"]


def test_all_play_the_same_rounds_and_points_are_those_of_the_function_itself(played):
    tables, _ = played
    red, blue = tables["my_attack"], tables["my_filter"]
    assert red.loc["ann", "points"] == red.loc["ann", "one label"] == red.loc["bo", "one label"]
    names = {"np": np}
    exec(f"{SECOND}\n{HALF}", names)
    for table, student, score, name in (
        (red, "bo", score_attack, "my_attack"),
        (blue, "cy", score_defence, "my_filter"),
    ):
        direct = score(names[name], load_activity("watch"), n_rounds=2, insecure_seed=SECRET, progress=False)
        assert table.loc[student, "points"].startswith(f"{direct.points['yours']:.1f} ± ")
        assert table.loc[student, "lead"] == round(direct.lead, 1)
    assert blue.loc["cy", "no defence"] == "0.0 ± 0.0"


def test_who_breaks_a_rule_is_not_scored_and_told_why(played):
    tables, page = played
    told = tables["my_attack"]["goal"]
    assert "over budget" in told["greedy"]
    assert "forbidden: open /etc/passwd" in told["reader"]
    assert "longer than 20 s" in told["endless"]
    assert "never_defined" in told["broken"]
    assert tables["my_attack"].loc["reader", "points"] == ""
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "<td>&lt;b&gt;</td>" in page
