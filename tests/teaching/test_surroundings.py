"""preflight and doctor: what they say when all is well, and for each thing that can be wrong."""

import platform
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from IPython.core.interactiveshell import InteractiveShell

from pmt_helpers.commands.workbook import doctor
from pmt_helpers.teaching import preflight, surroundings

READY = re.compile(
    r"Ready: Python \d+\.\d+\.\d+, keras \d+\.\d+\.\d+ on jax, \d+\.\d GB free, "
    r"data watch: 1,737 windows of 10 people\.\n"
)

check_packages, free_memory = surroundings.check_packages, surroundings.free_memory  # the fixture replaces them


@pytest.fixture(autouse=True)
def a_good_machine(monkeypatch):
    """Tests decide what is wrong; how this machine happens to be does not matter."""
    monkeypatch.setattr(surroundings, "free_memory", lambda: 4e9)
    monkeypatch.setattr(surroundings, "check_packages", lambda: [surroundings.Finding("numpy", "2.4.6")])


def test_a_good_machine_gets_exactly_one_line(capsys):
    preflight("watch")
    assert READY.fullmatch(capsys.readouterr().out)


def test_too_little_memory_is_said_with_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(surroundings, "free_memory", lambda: 0.31e9)
    preflight("watch")
    said = capsys.readouterr().out
    assert said.startswith("Not ready yet:\n- memory: 0.3 GB free. A notebook needs about 1 GB.")
    assert "Ready:" not in said


def test_keras_already_on_another_backend_is_said_with_what_to_do(monkeypatch, capsys):
    fake = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "tensorflow", floatx=lambda: "float32"))
    monkeypatch.setitem(sys.modules, "keras", fake)
    preflight("watch")
    said = capsys.readouterr().out
    assert "Keras runs on tensorflow here" in said
    assert "Restart the kernel" in said


def test_a_backend_chosen_before_keras_is_imported_counts_too(monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert surroundings.check_backend().state == "stop"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert surroundings.check_backend().state == "ok"


def test_an_old_python_is_a_reason_to_stop(monkeypatch):
    monkeypatch.setattr(surroundings.sys, "version_info", (3, 10, 4))
    finding = surroundings.check_python()
    assert finding.state == "stop"
    assert "3.11" in finding.remedy


def test_missing_data_brings_the_loaders_own_remedy(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))
    preflight("wisdm")
    said = capsys.readouterr().out
    assert said.startswith("Not ready yet:\n- data wisdm: cannot be loaded (")
    assert "data fetch wisdm" in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PERSON", 0, "parameter PERSON: 0. Give a whole number from 1 to 10, or None for the person chosen in"),
        ("PERSON", "5", "parameter PERSON: '5'. Give a whole number from 1 to 10"),
        ("PERSON", True, "parameter PERSON: True. Give a whole number from 1 to 10"),
        ("SEED", -1, "parameter SEED: -1. Give a whole number from 0 to 2147483647, in the cell with the parameters"),
        ("SEED", 1.0, "parameter SEED: 1.0. Give a whole number from 0"),
        ("N_SAMPLES", (25, (5, 10, 20)), "parameter N_SAMPLES: 25. Give one of 5, 10, 20, in the cell"),
        ("N_SAMPLES", (10**6, range(2, 21)), "parameter N_SAMPLES: 1000000. Give a whole number from 2 to 20, in"),
        ("BOARD", ("zero-2w", ("3b", "4b")), "parameter BOARD: 'zero-2w'. Give one of 3b, 4b, in the cell"),
    ],
)
def test_a_parameter_out_of_range_is_named_with_its_range(name, value, said, capsys):
    preflight("watch", **{name: value})
    printed = capsys.readouterr().out
    assert printed.startswith("Not ready yet:\n- ")
    assert said in " ".join(printed.split())


def test_parameters_in_range_are_no_problem(capsys):
    preflight("watch", PERSON=None, SEED=3, N_SAMPLES=(20, range(2, 21)), BOARD=("3b", ("3b", "4b")))
    preflight("watch", PERSON=10, SEED=0)
    assert len(READY.findall(capsys.readouterr().out)) == 2


def test_a_dataset_nobody_knows_does_not_raise(capsys):
    preflight("wrist", PERSON=3)
    assert capsys.readouterr().out.startswith("Not ready yet:\n- data wrist: ")


def test_packages_are_compared_with_the_ranges_of_requirements_txt(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text(
        "# a comment\n\nnumpy>=2  # arrays\npandas<1  # far too old\nno-such-package>=3\n-r other.txt\n"
        "no-such-either; python_version < '3'\n"
    )
    found = {finding.what: finding for finding in check_packages(path)}
    assert set(found) == {"numpy", "pandas", "no-such-package"}
    assert found["numpy"].state == "ok"
    assert found["pandas"].state == "warn"
    assert "wanted <1" in found["pandas"].found
    assert (found["no-such-package"].state, found["no-such-package"].found) == ("stop", "missing")
    assert '"no-such-package>=3"' in found["no-such-package"].remedy


def cgroup(tmp_path, line, files):
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text(line)
    for name, content in files.items():
        path = cgroups / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return surroundings._cgroup_free(proc, cgroups)


def test_a_container_of_1_gb_has_no_19_gb_free(tmp_path):
    """As on Binder; cache that the kernel would give back counts as free."""
    files = {
        "pods/me/memory.max": "1000000000\n",
        "pods/me/memory.current": "700000000\n",
        "pods/me/memory.stat": "anon 500000000\ninactive_file 100000000\n",
        "pods/memory.max": "max\n",
        "pods/memory.current": "900000000\n",
    }
    assert cgroup(tmp_path, "0::/pods/me\n", files) == [400_000_000.0]


def test_the_limit_of_a_group_further_up_counts(tmp_path):
    files = {
        "pods/me/memory.max": "max\n",
        "pods/me/memory.current": "1\n",
        "pods/memory.max": "1000\n",
        "pods/memory.current": "300\n",
    }
    assert cgroup(tmp_path, "0::/pods/me\n", files) == [700.0]


def test_version_1_control_groups_are_read_too(tmp_path):
    files = {
        "memory/docker/abc/memory.limit_in_bytes": "2000",
        "memory/docker/abc/memory.usage_in_bytes": "500",
        "memory/docker/abc/memory.stat": "total_inactive_file 100\n",
    }
    assert cgroup(tmp_path, "5:cpu:/docker/abc\n4:memory,hugetlb:/docker/abc\n", files) == [1600.0]


def test_the_smaller_of_machine_and_container_counts(tmp_path, monkeypatch):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1500))
    cgroup(tmp_path, "0::/me\n", {"me/memory.max": "1000\n", "me/memory.current": "300\n"})
    assert free_memory(tmp_path / "proc", tmp_path / "cgroup") == 700
    assert free_memory(tmp_path / "nowhere", tmp_path / "nowhere") == 1500


def test_a_system_without_control_groups_has_no_such_limit(tmp_path):
    assert surroundings._cgroup_free(tmp_path / "proc", tmp_path / "cgroup") == []


def test_a_folder_that_cannot_be_written_to_is_worth_a_note(tmp_path):
    assert surroundings.check_folder(tmp_path).state == "ok"
    assert surroundings.check_folder(tmp_path / "nowhere").state == "warn"


def test_missing_labextensions_are_noted_with_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(tmp_path)])
    assert [finding.state for finding in surroundings.check_extensions()] == ["warn", "warn"]
    (tmp_path / "jupyterlab-plotly").mkdir()
    (tmp_path / "jupyterlab-plotly" / "package.json").write_text("{}")
    plotly, widgets = surroundings.check_extensions()
    assert (plotly.state, widgets.state) == ("ok", "warn")
    assert "Install ipywidgets" in widgets.remedy


def test_doctor_shows_everything_and_passes_a_good_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("PMT_DATA_HOME", str(tmp_path))  # no WISDM there: a note, no reason to stop
    result = CliRunner().invoke(doctor)
    assert result.exit_code == 0, result.output
    for what in ("Python", "cores", "memory", "Keras backend", "numpy", "data watch", "data wisdm", "Chromium"):
        assert re.search(rf"^(ok|note) +{what} ", result.stdout, re.MULTILINE), what
    assert "\nReady for the workbook.\n" in result.stdout.replace(" Your progress:", "")


def test_doctor_exits_with_1_when_something_stops_the_workbook(monkeypatch):
    monkeypatch.setattr(surroundings, "free_memory", lambda: 0.2e9)
    result = CliRunner().invoke(doctor)
    assert result.exit_code == 1
    assert "cannot run yet: memory" in result.output
    assert re.search(r"^STOP +memory +0\.2 GB free$", result.output, re.MULTILINE)


def test_importing_the_teaching_package_loads_nothing_heavy():
    """A notebook's first line must not take seconds."""
    import subprocess

    code = (
        "import sys, pmt_helpers.teaching as t; t.check; t.say; t.my_person;"
        "print([m for m in ('keras', 'jax', 'plotly', 'ipywidgets', 'sklearn', 'gensim') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "door", ["activity", "attacks", "datasets", "device", "experiments", "privacy", "teaching", "topics"]
)
def test_no_name_of_a_door_is_hidden_by_a_module(door):
    package = import_module(f"pmt_helpers.{door}")
    modules = {path.stem for path in Path(package.__file__).parent.glob("*.py")}
    assert not modules & set(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is not None, name


RELEASE = """
import os, psutil
from pmt_helpers.teaching.surroundings import release_memory
def megabytes():
    return psutil.Process().memory_info().rss / 1e6
blocks = [os.urandom(50_000) for _ in range(4000)]
del blocks[::2], blocks[:-1]  # what is left at the end keeps glibc from returning the rest
before = megabytes()
release_memory()
print(before - megabytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps freed memory")
def test_freed_memory_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", RELEASE], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 100


LARGE = """
import psutil
from pmt_helpers.teaching.surroundings import release_memory
def megabytes():
    return psutil.Process().memory_info().rss / 1e6
if {released}:
    release_memory()
b"x" * 4_000_000  # freed at once: glibc then puts later ones of up to this size on the heap
kept, blocks, before = [], [], megabytes()
for _ in range(50):
    blocks.append(bytes([1]) * 2_000_000)
    kept.append(bytes([1]) * 100_000)
blocks.clear()
print(megabytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps freed memory")
@pytest.mark.parametrize("released", [False, True])
def test_from_then_on_large_blocks_go_back_though_small_ones_beside_them_stay(released: bool) -> None:
    command = [sys.executable, "-c", LARGE.format(released=released)]
    kept = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert kept < 20 if released else kept > 80  # of 100 in large blocks, and 5 in small ones


def test_preflight_has_each_cell_release_memory_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = InteractiveShell()
    monkeypatch.setattr(surroundings, "get_ipython", lambda: shell)
    preflight()
    preflight()
    assert shell.events.callbacks["post_run_cell"].count(surroundings.release_memory) == 1
    shell.events.trigger("post_run_cell", None)  # as IPython does, with the cell's result
