"""What a machine says of itself: read where it says it, left out where it does not, whatever lies in the files."""

from pathlib import Path

import pytest

from pmt_helpers.device.pi_profile import Readings

PI_5 = {
    "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
    "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "50005\n",
    "proc/meminfo": "MemTotal:        4147200 kB\nMemFree:  1 kB\nMemAvailable:    3145728 kB\n",
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Cortex-A76\n\nModel\t\t: Raspberry Pi 5\n",
    "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 total=7\n",
    "proc/pressure/memory": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "proc/self/cgroup": "0::/user.slice/run\n",
    "sys/fs/cgroup/user.slice/memory.max": "536870912\n",
    "sys/fs/cgroup/user.slice/run/memory.max": "max\n",
    "etc/os-release": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
}


def machine(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode("latin-1"))
    return folder


def firmware(*words: str) -> str | None:
    """Two rails with both numbers, one of which only the voltage is known."""
    rails = "     3V3_SYS_A current(1)=0.10000000A\n  3V3_SYS_V volt(9)=3.30000000V\nVDD_CORE_A current(7)=2.0A\n"
    return {"pmic_read_adc": rails + "VDD_CORE_V volt(15)=0.80000000V\nEXT5V_V volt(24)=5.1V\n"}.get(words[0])


def silent(*_: str) -> str | None:
    return None


def test_a_pi_5_says_everything(tmp_path: Path) -> None:
    readings = Readings(machine(tmp_path, PI_5), firmware)
    found, sample = readings.machine(), readings.sample()
    assert (found["model"], found["cpu"]) == ("Raspberry Pi 5 Model B Rev 1.0", "Cortex-A76")
    assert (found["governor"], found["fmax_mhz"], found["os"]) == ("ondemand", 2400, "Debian GNU/Linux 12 (bookworm)")
    assert (found["mem_total_mb"], found["mem_limit_mb"]) == (4050, 512)  # the limit of a parent holds too
    assert sample["temp_c"] == pytest.approx(48.312)
    assert sample["freq_mhz"] == pytest.approx([2400, 1500])
    assert sample["throttled"] == 0x50005
    assert sample["power_w"] == pytest.approx(0.1 * 3.3 + 2 * 0.8)
    assert (sample["psi_cpu_s"], sample["psi_mem_s"], sample["mem_avail_mb"]) == (1.5, 0, 3072)
    assert "psi_io_s" not in sample


def test_a_machine_that_says_nothing_leaves_all_out(tmp_path: Path) -> None:
    readings = Readings(tmp_path, silent)
    assert set(readings.sample()) <= {"rss_mb"}
    assert not {"model", "cpu", "os", "governor", "fmax_mhz", "mem_total_mb", "mem_limit_mb"} & set(readings.machine())


@pytest.mark.parametrize("broken", ["", "\n", "nan", "inf", "1.e999", "no number", "\xff\xfe\0", "total=", "-", "0x"])
def test_broken_files_are_left_out_rather_than_zero(tmp_path: Path, broken: str) -> None:
    files = {name: broken for name in PI_5 if name != "proc/device-tree/model"}
    readings = Readings(machine(tmp_path, {**PI_5, **files}), lambda *_: f"A_A current(0)={broken}\n{broken}")
    assert set(readings.sample()) <= {"rss_mb"}
    assert not {"fmax_mhz", "mem_total_mb", "mem_limit_mb"} & set(readings.machine())


def test_a_folder_where_a_file_should_be_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "proc/meminfo").mkdir(parents=True)
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").mkdir(parents=True)
    assert set(Readings(tmp_path, silent).sample()) <= {"rss_mb"}


def test_throttling_is_asked_of_the_firmware_where_the_kernel_has_no_file(tmp_path: Path) -> None:
    asked = Readings(tmp_path, lambda *words: "throttled=0x50000\n" if words == ("get_throttled",) else None)
    assert asked.sample()["throttled"] == 0x50000


def test_power_is_asked_only_of_a_pi_5(tmp_path: Path) -> None:
    files = {"proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0"}
    assert "power_w" not in Readings(machine(tmp_path, files), firmware).sample()


@pytest.mark.parametrize(
    ("cgroup", "limit", "expected"),
    [
        ("0::/\n", {"sys/fs/cgroup/memory.max": "268435456"}, 256),
        ("4:memory:/docker/abc\n0::/\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "268435456"}, 256),
        ("4:memory:/a\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("0::/../..\n", {"sys/fs/cgroup/memory.max": "max"}, None),
        ("garbage\n", {}, None),
    ],
)
def test_memory_limits_of_both_kinds_of_control_groups(tmp_path: Path, cgroup: str, limit: dict, expected) -> None:
    files = {"proc/self/cgroup": cgroup, "proc/meminfo": "MemTotal: 1048576 kB\n", **limit}
    assert Readings(machine(tmp_path, files), silent).memory_limit() == expected


def test_the_header_has_no_name_of_this_machine(tmp_path: Path) -> None:
    import platform

    found = Readings().machine()
    assert platform.node() not in map(str, found.values())
    assert found["lib"]["numpy"]
