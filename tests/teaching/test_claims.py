"""The claims table: verdicts come from numbers, numbers from files, and a stale verdict is found."""

import csv
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pmt_helpers.commands.workbook import claims as command
from pmt_helpers.datasets import DataError
from pmt_helpers.datasets.files import shipped
from pmt_helpers.teaching import claims, claims_table
from pmt_helpers.teaching.claims import COLUMNS, Claim, judge_claim, load_claims, verdict_of
from pmt_helpers.teaching.measures import MEASURES

ACCURACY = Claim(
    "accuracy", ("01",), "III-C", "The accuracy is 0.548", 0.548, "", 3, 0.50, 0.60, "stored", "a.csv",
    "does not hold", "Init.",
)  # fmt: skip


@pytest.fixture
def stored(monkeypatch):
    """A measure under our control: set stored["value"], or leave it out to have no grid."""
    value = {}

    def measure():
        if "value" not in value:
            raise FileNotFoundError("no grid")
        return value["value"]

    monkeypatch.setitem(MEASURES, "stored", measure)
    return value


@pytest.fixture
def table_of(monkeypatch, stored):
    def use(*rows):
        monkeypatch.setattr(claims, "load_claims", lambda: list(rows))

    return use


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (0.55, "holds"),
        (0.50, "holds"),  # the ends belong to the band
        (0.60, "holds"),
        (0.5 + 0.1, "holds"),  # 0.6 but for rounding
        (0.729, "does not hold"),
        (0.499, "does not hold"),
        (float("nan"), "not measured yet"),
        (None, "not measured yet"),
        (pd.Series({"wisdm": 0.55, "watch": 0.52}), "holds"),
        (pd.Series({"wisdm": 0.55, "watch": 0.75}), "partly"),
        (pd.Series({"wisdm": 0.73, "watch": 0.75}), "does not hold"),
        (pd.Series({"wisdm": np.nan, "watch": 0.55}), "holds"),
        (pd.Series(dtype=float), "not measured yet"),
    ],
)
def test_a_claim_holds_inside_of_its_band(value, verdict):
    assert verdict_of(ACCURACY, value) == verdict


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_gets_a_verdict(value):
    inside = 0.50 - 1e-6 < value < 0.60 + 1e-6
    assert verdict_of(ACCURACY, value) in ({"holds", "does not hold"} if inside else {"does not hold"})


def test_the_stored_value_counts_unless_a_live_one_is_given(stored):
    stored["value"] = 0.729
    assert judge_claim(ACCURACY).value == 0.729
    assert judge_claim(ACCURACY, 0.55).verdict == "holds"


def test_a_claim_without_its_grid_is_not_measured_yet(stored):
    item = judge_claim(ACCURACY)
    assert item.verdict == "not measured yet"
    assert item.agrees


def test_a_reason_is_only_shown_for_the_verdict_it_was_written_for(table_of, stored):
    table_of(ACCURACY)
    stored["value"] = 0.729
    assert "Init." in repr(claims_table())
    assert "Init." in claims_table().to_html()
    stored["value"] = 0.55
    assert "Init." not in repr(claims_table())
    assert "Init." not in claims_table().to_html()


def test_the_table_shows_claim_paper_here_and_verdict(table_of):
    table_of(ACCURACY)
    table = claims_table(measured={"accuracy": pd.Series({"wisdm": 0.729, "watch": 0.5})})
    assert repr(table) == "PARTLY: The accuracy is 0.548\n    paper 0.548; here 0.729 (wisdm), 0.500 (watch)."
    for text in ("The accuracy is 0.548", "0.729 (wisdm)<br>0.500 (watch)", "partly"):
        assert text in table.to_html()


@pytest.mark.parametrize(
    ("unit", "digits", "value", "text"),
    [("share", 0, 0.143, "14%"), ("share", 1, 0.548, "54.8%"), ("points", 1, 0.039, "+3.9 points"),
     ("points", 1, -0.0001, "+0.0 points"), ("bits", 2, 0.031, "0.03 bits"), ("", 3, 0.5, "0.500")],
)  # fmt: skip
def test_a_share_reads_as_percent_and_a_difference_as_points(unit, digits, value, text):
    assert replace(ACCURACY, unit=unit, digits=digits).number(value) == text


def test_the_table_is_one_output_of_text_and_html(monkeypatch):
    bundles = []
    monkeypatch.setattr("pmt_helpers.teaching.display.publish", bundles.append)
    claims_table("III", measured={})._ipython_display_()
    assert [set(bundle) for bundle in bundles] == [{"text/plain", "text/html"}]


def test_a_section_brings_its_subsections_but_not_its_neighbours():
    sections = {item.claim.section for item in claims_table("III").judged}
    assert sections >= {"III", "III-B", "III-C"}
    assert not [section for section in sections if section.split("-")[0] != "III"]
    assert repr(claims_table("IX")) == "No claims here."


def test_a_notebook_shows_its_own_claims():
    shown = {notebook: {item.claim.id for item in claims_table(notebook=notebook).judged} for notebook in ("01", "02")}
    assert shown["01"] & shown["02"] == {"shared-accuracy"}
    assert "personal-over-shared" in shown["02"]
    assert "wisdm-users" in shown["01"]


def test_a_live_value_for_no_claim_is_a_slip():
    with pytest.raises(KeyError, match="no claim is called wisdm-user;"):
        claims_table(measured={"wisdm-user": 36})


def run(table_of=None):
    return CliRunner().invoke(command)


def test_the_command_passes_when_verdicts_are_those_of_the_file(table_of, stored):
    table_of(ACCURACY)
    stored["value"] = 0.729
    result = run()
    assert result.exit_code == 0
    assert "1 does not hold." in result.output


def test_the_command_fails_when_a_verdict_has_changed(table_of, stored):
    table_of(ACCURACY)
    stored["value"] = 0.55
    result = run()
    assert result.exit_code == 1
    assert "accuracy: data/claims.csv says 'does not hold', computed 'holds'" in result.output


def test_the_claims_that_ship_agree_with_the_results_that_ship():
    result = run()
    assert result.exit_code == 0, result.output


def test_the_claims_file_quotes_the_papers_numbers():
    with shipped("paper", "facts.csv").open(encoding="utf-8", newline="") as file:
        facts = {row["quantity"]: float(row["value"]) for row in csv.DictReader(file)}
    paper = {claim.id: claim.paper for claim in load_claims()}
    assert paper["wisdm-users"] == facts["wisdm_users"]
    assert paper["wisdm-windows-mean"] == facts["wisdm_traces_per_user_mean"]
    assert paper["wisdm-windows-sd"] == facts["wisdm_traces_per_user_sd"]
    assert paper["mlp-parameters"] == facts["mlp_parameters"]
    assert paper["personal-over-shared"] == facts["crossing_personal_over_shared"]
    assert paper["local-needs-more"] == facts["local_samples_to_match_personal_more_than"]
    shared = pd.read_csv(shipped("paper", "fig3_accuracy_smooth.csv")).query("model == 'shared'")["accuracy"]
    assert paper["shared-accuracy"] == pytest.approx(shared.mean(), abs=0.0005)


def test_wisdm_has_one_person_more_than_the_paper_says():
    users = next(item for item in claims_table("III").judged if item.claim.id == "wisdm-users")
    assert (users.value, users.verdict) == (36, "does not hold")


def test_the_parameters_are_counted_in_the_network_itself():
    parameters = next(item for item in claims_table("III").judged if item.claim.id == "mlp-parameters")
    assert (parameters.value, parameters.verdict) == (6406, "holds")


GOOD = dict(
    zip(
        COLUMNS,
        ("a", "01", "III", "It is 1", "1", "", "0", "0", "2", "wisdm_users", "x", "holds", "Because."),
        strict=True,
    )
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": "many"}, "numbers in paper, digits, low and high in line 2"),
        ({"low": "3"}, "low at most high in line 2"),
        ({"verdict": "maybe"}, "a verdict .* in line 2"),
        ({"measure": "guess"}, "a measure of pmt_helpers/teaching/measures.py in line 2"),
    ],
)
def test_a_slip_in_the_file_is_named_with_its_line(tmp_path, change, message):
    path = tmp_path / "claims.csv"
    write(path, [{**GOOD, **change}])
    with pytest.raises(DataError, match=message):
        load_claims(path)


def test_an_id_used_twice_and_a_missing_column_are_named(tmp_path):
    path = tmp_path / "claims.csv"
    write(path, [GOOD, GOOD])
    with pytest.raises(DataError, match="a twice"):
        load_claims(path)
    path.write_text("id,claim\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="the columns id, notebook, section"):
        load_claims(path)


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def test_a_comma_outside_of_quotation_marks_is_named_and_cuts_no_reason(tmp_path):
    path = tmp_path / "claims.csv"
    write(path, [GOOD])
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + ", and more\n", encoding="utf-8")
    with pytest.raises(DataError, match="13 cells in line 2"):
        load_claims(path)
