"""A Linux for the emulated board: kernel, device tree and a small file system in memory, all from Debian packages.

The packages come through the machine's own apt, but with lists and a status file of its own, so that the machine's
list of architectures is left as it is.
"""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

SYSTEM = ("busybox-static", "python3", "python3-numpy", "libopenblas0-pthread", "libstdc++6")
KERNEL = "linux-image-arm64"
DEVICE_TREE = "usr/lib/linux-image-*/broadcom/bcm2837-rpi-3-b.dtb"
LIBRARIES = "usr/lib/aarch64-linux-gnu"
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/include", "var")
_APT = """Dir::State "{0}/state"; Dir::State::status "{0}/status"; Dir::Cache "{0}/cache";
APT::Architecture "{1}"; APT::Architectures {{ "{1}"; }}; APT::Install-Recommends "false"; APT::Sandbox::User "";
"""


class Boot(NamedTuple):
    """What the board needs: two files for QEMU, the folder that is to be its file system, and that folder packed."""

    kernel: Path
    device_tree: Path
    system: Path
    packed: Path


def require_programs(*programs: str) -> None:
    """Raises click.ClickException for a program that is not installed."""
    packages = {
        "qemu-system-aarch64": "qemu-system-arm",
        "qemu-system-x86_64": "qemu-system-x86",
        "qemu-aarch64": "qemu-user",
        "dpkg-deb": "dpkg",
    }
    for program in programs:
        if shutil.which(program) is None:
            package = packages.get(program, program)
            raise click.ClickException(f"{program} was not found: apt-get install {package}, on Debian or Ubuntu")


def download(packages: Sequence[str], folder: Path, architecture: str = "arm64") -> list[Path]:
    """The packages and all that they depend on, as .deb files in `folder`/cache/archives."""
    require_programs("apt-get", "dpkg-deb")
    for name in ("state/lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    settings = folder / "apt.conf"
    settings.write_text(_APT.format(folder.resolve(), architecture))
    environment = {**os.environ, "APT_CONFIG": str(settings)}
    for command in (["update"], ["install", "--download-only", "--yes", *packages]):
        done = subprocess.run(["apt-get", "-qq", *command], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise click.ClickException(f"apt-get {' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}")
    return sorted((folder / "cache/archives").glob("*.deb"))


def unpack(debs: Sequence[Path], root: Path) -> None:
    """The files of the packages under `root`, as on an installed system: /lib is /usr/lib, documentation left out."""
    for deb in debs:
        subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
    for name in ("bin", "sbin", "lib"):
        if (root / name).is_dir() and not (root / name).is_symlink():
            shutil.copytree(root / name, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(root / name)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    for name in _UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)


def build(folder: Path) -> Boot:
    """Download and unpack all that the board boots; nothing is packed yet."""
    kernel, system = folder / "kernel", folder / "system"
    for part in (kernel, system):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    debs = download([*SYSTEM, KERNEL], folder / "apt")
    kernels = [deb for deb in debs if deb.name.startswith("linux-image-")]
    for deb in kernels:
        subprocess.run(["dpkg-deb", "-x", deb, kernel], check=True)
    unpack([deb for deb in debs if deb not in kernels], system)
    for name in ("proc", "sys", "dev", "tmp"):
        (system / name).mkdir(exist_ok=True)
    return Boot(_newest(kernel, "boot/vmlinuz-*"), _newest(kernel, DEVICE_TREE), system, folder / "files.cpio")


def pack(system: Path, packed: Path, extra: Mapping[str, str]) -> None:
    """Pack the file system `system`. extra: texts to put in first, by their path; all may be run."""
    for name, text in extra.items():
        (system / name).write_text(text)
        (system / name).chmod(0o755)
    with packed.open("wb") as out:
        out.writelines(newc(system))


def newc(root: Path) -> Iterator[bytes]:
    """The tree under `root` as an archive that Linux unpacks at boot: cpio's newc format, owner root, times 0."""
    paths = sorted(root.rglob("*"))
    for number, path in enumerate(paths, start=1):
        mode = path.lstat().st_mode
        data = b""
        if stat.S_ISLNK(mode):
            data = str(path.readlink()).encode()
        elif stat.S_ISREG(mode):
            data = path.read_bytes()
        elif not stat.S_ISDIR(mode):
            continue
        yield _entry(path.relative_to(root).as_posix(), number, mode, data)
    yield _entry("TRAILER!!!", 0, 0, b"")


def _entry(name: str, number: int, mode: int, data: bytes) -> bytes:
    # inode, mode, owner, group, links, time, size, four device numbers, length of the name, checksum
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name.encode()) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _newest(folder: Path, pattern: str) -> Path:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise click.ClickException(f"no {pattern} among the files of {KERNEL}: has Debian moved it?")
    return paths[-1]
