"""The raw file of WISDM: a record is read, or it is counted. Where the text is real, it is from public descriptions."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError, check_card, load_activity, load_recordings
from pmt_helpers.datasets.wisdm import ARCHIVE, ARFF, CLASS_NAMES
from pmt_helpers.datasets.wisdm_raw import RAW, RAW_ABOUT, parse_raw

# Records as public descriptions of the file print them: two on a line, a comma too many, no z, time 0, doubled rows.
SLICE = """33,Jogging,49105962326000,-0.6946377,12.680544,0.50395286;
33,Jogging,49106062271000,5.012288,11.264028,0.95342433;
33,Jogging,49106112167000,4.903325,10.882658,-0.08172209;33,Jogging,49106222305000,-0.61291564,18.496431,3.0237172;
33,Jogging,49106332290000,-1.1849703,12.108489,7.205164;
11,Walking,1867172313000,4.4,4.4,;
21,Walking,117003963904000,0.65,9.51,5.13,;
15,Jogging,728142284000,13.14,-10.34,-2.9147544;
15,Jogging,728192638000,12.11,-7.93,3.5276701;
15,Jogging,728192638000,12.11,-7.93,3.5276701;
15,Jogging,728192638000,12.11,-7.93,3.5276701;
15,Jogging,0,0,0,0.0;
15,Jogging,0,0,0,0.14982383;
15,Jogging,728362224000,-0.11,14.02,0.14982383;

"""


def test_a_slice_as_the_public_descriptions_print_it() -> None:
    table, counts = parse_raw(SLICE)
    assert counts == {"records": 14, "broken": 1, "comma_too_many": 1, "time_zero": 2, "doubled": 2}
    assert table[:, 0].tolist() == [33, 33, 33, 33, 33, 21, 15, 15, 15]
    np.testing.assert_array_equal(table[3, 3:], [-0.61291564, 18.496431, 3.0237172])
    np.testing.assert_array_equal(table[5, 3:], [0.65, 9.51, 5.13])


@pytest.mark.parametrize("end", [";\n", ";\r\n", "\n", ";", ",;\n", " ;\n\n"])
def test_how_a_record_ends_makes_no_difference(end: str) -> None:
    records = [f"{n},Sitting,{10 + n},{n}.5,-1.25,9.75" for n in range(1, 6)]
    table, counts = parse_raw(end.join(records) + end)
    np.testing.assert_array_equal(table[:, 3], [1.5, 2.5, 3.5, 4.5, 5.5])
    assert (counts["records"], counts["broken"], counts["comma_too_many"]) == (5, 0, 5 * end.startswith(","))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*SLICE.split(";"), "x,y", "1,Flying,3,4,5,6", "1,Walking,2,nan,0,inf", "," * 9])))
def test_every_record_is_read_or_counted(records: list[str]) -> None:
    table, counts = parse_raw(";".join(records))
    left_out = counts["broken"] + counts["time_zero"] + counts["doubled"]
    assert len(table) == counts["records"] - left_out
    assert np.isfinite(table).all()


def lines(user: int, name: str, start_ms: int, n: int) -> str:
    return "".join(f"{user},{name},{(start_ms + 50 * i) * 10**6},{i},0.5,9.81;\n" for i in range(n))


def test_recordings_end_at_another_person_activity_or_a_gap_above_a_second(small_wisdm: Path) -> None:
    text = lines(1, "Walking", 1000, 30) + lines(1, "Walking", 1000 + 50 * 29 + 1000, 20)  # exactly a second: no gap
    text += lines(1, "Walking", 9000, 10) + lines(1, "Sitting", 9500, 15) + lines(2, "Sitting", 10_250, 5)
    text += lines(2, "Sitting", 5000, 7)  # back in time
    (small_wisdm / "deeper").mkdir()
    (small_wisdm / "deeper" / RAW).write_text(text)
    found = load_recordings("wisdm")
    sizes = [(r.number, r.user, r.class_name, len(r.signal)) for r in found]
    assert sizes == [
        (0, 1, "Walking", 50), (1, 1, "Walking", 10), (2, 1, "Sitting", 15), (3, 2, "Sitting", 5), (4, 2, "Sitting", 7),
    ]  # fmt: skip
    assert {r.rate_hz for r in found} == {20.0}
    assert not found[0].signal.flags.writeable


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # other statements of the card, on a table of 24 rows
def test_they_come_out_of_the_archive_too_and_the_card_counts_them(small_wisdm: Path, make_arff: object) -> None:
    assert callable(make_arff)
    about = "Number of examples: 1,098,207\n" + "".join(f"\t{name} -> 1,000 -> 1%\n" for name in CLASS_NAMES)
    with tarfile.open(small_wisdm / ARCHIVE, "w:gz") as archive:
        for name, text in ((ARFF, make_arff()), (RAW, SLICE), (RAW_ABOUT, about)):
            member = tarfile.TarInfo(f"WISDM_ar_v1.1/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    assert [r.user for r in load_recordings("wisdm")] == [33, 21, 15]
    table = check_card(load_activity("wisdm")).set_index("what")
    counted = table[table.index.str.startswith("Public readers of the raw file")].iloc[0]
    assert "records 14, broken 1, comma too many 1, time zero 2, doubled 2, gaps 0, recordings 3" in counted["found"]
    assert counted.isna()["ok"]  # nothing is stated that could be wrong
    about_file = table[table.index.str.startswith("The about file beside the raw")].iloc[0]
    assert "readings 1,098,207, Walking 1,000" in about_file["found"]
    assert not about_file["ok"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_where_there_is_no_raw_file_nothing_is_checked(small_wisdm: Path, make_arff: object) -> None:
    assert callable(make_arff)
    (small_wisdm / ARFF).write_text(make_arff())
    table = check_card(load_activity("wisdm")).set_index("what")
    raw = table[table.index.str.contains("raw")]
    assert raw["found"].tolist() == ["not checked: no file"] * 2
    assert raw["ok"].isna().all()


@pytest.mark.usefixtures("real_wisdm")
def test_the_real_about_file_says_what_the_card_says() -> None:
    if not list((Path(os.environ["PMT_DATA_HOME"]) / "wisdm").rglob(RAW_ABOUT)):
        pytest.skip("no about file beside the table")
    table = check_card(load_activity("wisdm")).set_index("what")
    about = table[table.index.str.startswith("The about file beside the raw")].iloc[0]
    assert bool(about["ok"])


def test_where_the_table_lies_alone_the_archive_has_to_be_downloaded(small_wisdm: Path) -> None:
    """`data fetch wisdm` would find the table, and stop."""
    (small_wisdm / ARFF).write_text("x")
    with pytest.raises(DataError, match=r"to do: +Download https") as refused:
        load_recordings("wisdm")
    assert "data fetch" not in refused.value.remedy


def test_a_file_without_a_record_is_refused(small_wisdm: Path) -> None:
    (small_wisdm / RAW).write_text("<html>not found</html>")
    with pytest.raises(DataError, match="records of user,activity,timestamp"):
        load_recordings("wisdm")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
def test_a_file_as_large_as_the_real_one_takes_less_than_800_mb(small_wisdm: Path) -> None:
    one = lines(1, "Walking", 1000, 10_000).replace("0.5", "-0.61291564").replace("9.81", "18.496431")
    with (small_wisdm / RAW).open("w") as file:
        for user in range(1, 111):
            file.write(one.replace("1,W", f"{user},W"))
    code = """
from pathlib import Path
from pmt_helpers.datasets import load_recordings
print(sum(len(recording.signal) for recording in load_recordings("wisdm")))
[peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(peak)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    n_readings, peak_kb = map(int, done.stdout.split())
    assert n_readings == 1_100_000
    assert peak_kb < 800_000
