"""Makes the folder with the workbook's own Python, once; `make` runs this before everything else.

    python tools/environment.py .venv          what the notebooks need (requirements.lock)
    python tools/environment.py .venv --dev    and what building and testing need (requirements-dev.lock)

The folder's `pmt-state.json` says what is in it: the interpreter, and digests of the locks. When they agree, nothing
is done. When the runtime lock or the interpreter changed, the folder is made anew. `pmt-unfinished` stands in the
folder while it is being filled, so that a half-made one is never mistaken for a whole one.

Written so that any Python from 2.7 on can read it: an old one must be able to say that it is too old.
"""

from __future__ import print_function

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

OLDEST, NEWEST = (3, 11), (3, 13)  # the lock is resolved for these; a newer Python is tried, with a word of warning
FREE_GB = 2.5  # the finished folder takes about 1.5 GB, and pip keeps the downloads beside it while it works
LAB_SETTINGS = ("tools/jupyter/jupyter_lab_config.json", "tools/jupyter/labconfig/page_config.json")
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def stop(problem, remedy):
    """Ends the set-up with one line."""
    sys.stderr.write("Set-up stopped: %s %s\n" % (problem, remedy))
    sys.exit(1)


def version_text(version):
    return "%d.%d" % tuple(version[:2])


def check_version():
    if sys.version_info[:2] < OLDEST:
        stop(
            "this is Python %s (%s), and the workbook needs %s or newer."
            % (version_text(sys.version_info), sys.executable, version_text(OLDEST)),
            "Install Python 3.11, 3.12 or 3.13, or name one you have: make PYTHON=python3.12 run",
        )
    if sys.version_info[:2] > NEWEST:
        sys.stderr.write(
            "Note: Python %s is newer than the workbook was tried on (%s to %s). Going on; if the installation "
            "fails, use one of those: make PYTHON=python%s run\n"
            % (version_text(sys.version_info), version_text(OLDEST), version_text(NEWEST), version_text(NEWEST))
        )


def check_venv_module():
    try:
        import ensurepip
        import venv
    except ImportError:
        stop(
            "this Python (%s) comes without the venv module." % sys.executable,
            "On Debian or Ubuntu: sudo apt install python%s-venv; elsewhere install Python's full distribution."
            % version_text(sys.version_info),
        )
    return ensurepip, venv


def check_folder(folder):
    parent = os.path.dirname(folder)
    if not os.access(parent, os.W_OK) or (os.path.isdir(folder) and not os.access(folder, os.W_OK)):
        stop(
            "cannot write in %s." % parent, "Move the workbook to a folder of yours, such as your home, and try again."
        )
    needed = float(os.environ.get("PMT_FREE_GB", FREE_GB))
    free = shutil.disk_usage(parent).free / 1e9
    if free < needed:
        stop(
            "the disk of %s has %.1f GB free, and the set-up needs %.1f GB." % (parent, free, needed),
            "Free some space, or move the workbook to a larger disk.",
        )


def digest(*names):
    """One digest over files of the project, the same with either kind of line end."""
    total = hashlib.sha256()
    for name in names:
        with open(os.path.join(ROOT, name), "rb") as file:
            total.update(file.read().replace(b"\r\n", b"\n"))
    return total.hexdigest()


def wanted_state(dev):
    """What the folder should hold. `package` changes when the package's own metadata may have changed."""
    return {
        "python": "%s %s" % (os.path.realpath(sys.executable), sys.version.split()[0]),
        "place": ROOT,  # a folder of programs does not survive a move: they start with the old place's address
        "runtime": digest("requirements.lock"),
        "package": digest("requirements.txt", "pyproject.toml", "tools/hatch_metadata.py", *LAB_SETTINGS),
        "dev": digest("requirements-dev.lock") if dev else None,
    }


class Folder(object):
    """The virtual environment at `path`."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.python = os.path.join(self.path, "bin", "python")
        self.state_file = os.path.join(self.path, "pmt-state.json")
        self.unfinished = os.path.join(self.path, "pmt-unfinished")
        self.uv = shutil.which("uv")

    def state(self):
        """What the folder says it holds: {} for one made by hand, None for a missing, half-made or broken one."""
        if os.path.exists(self.unfinished) or not os.path.exists(os.path.join(self.path, "pyvenv.cfg")):
            return None
        try:
            subprocess.check_output([self.python, "-c", ""], stderr=subprocess.STDOUT)
        except (OSError, subprocess.CalledProcessError):  # its Python was removed or replaced
            return None
        try:
            with open(self.state_file) as file:
                return json.load(file)
        except (IOError, ValueError):
            return {}

    def create(self):
        if os.path.exists(self.path):
            ours = os.path.exists(self.unfinished) or os.path.exists(os.path.join(self.path, "pyvenv.cfg"))
            if not ours and os.listdir(self.path):
                stop("%s is there, and is not a Python environment." % self.path, "Move it away, and try again.")
            print("%s is out of date or half made: making it anew." % os.path.relpath(self.path))
            shutil.rmtree(self.path)
        os.mkdir(self.path)
        self.mark()
        self.run([sys.executable, "-m", "venv", self.path])

    def mark(self):
        open(self.unfinished, "w").close()

    def install(self, *arguments):
        if self.uv:
            # Like pip, and unlike uv's habit, compile now: else each kernel reads Keras and its like from the source.
            command = [self.uv, "pip", "install", "--compile-bytecode", "--python", self.python]
        else:
            command = [self.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
        self.run(command + list(arguments))

    def run(self, command):
        """Runs a step in the project's folder, counting packages on a terminal; shows what a failing step said."""
        settings = dict(os.environ, PIP_USER="0")  # the folder is the place, whatever pip's own settings say
        for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):
            settings.pop(name, None)
        process = subprocess.Popen(
            command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
        )
        lines = []
        for line in process.stdout:
            lines.append(line)
            collected = sum(text.startswith("Collecting ") for text in lines)
            if sys.stdout.isatty() and line.startswith("Collecting "):
                sys.stdout.write("\r%4d packages, now %-60s" % (collected, line.split()[1][:60]))
                sys.stdout.flush()
        if sys.stdout.isatty():
            sys.stdout.write("\r%80s\r" % "")
        if process.wait():
            sys.stderr.write("".join(lines[-30:]))
            stop("this step failed: %s." % " ".join(command), "The lines above say why; mend that, and run make again.")
        return lines

    def finish(self, state):
        with open(self.state_file, "w") as file:
            json.dump(state, file, indent=1)
        os.remove(self.unfinished)


def main(path, dev):
    check_version()
    folder, want = Folder(path), wanted_state(dev)
    have = folder.state()
    if have and not dev:
        want["dev"] = have.get("dev")  # a folder that can also build and test serves for running
    if have == want:
        return
    check_venv_module()
    check_folder(folder.path)
    keys = ("python", "place", "runtime", "dev")
    if have is None or any(have.get(key, want[key]) not in (None, want[key]) for key in keys):
        want["dev"] = want["dev"] if dev else None
        folder.create()
    else:  # made by hand, without the tools for testing so far, or with an older package of ours: add what lacks
        folder.mark()
    tool, start = "uv" if folder.uv else "pip", time.time()
    print("Installing into %s with %s: a minute or two..." % (os.path.relpath(folder.path), tool))
    folder.install("--require-hashes", "-r", "requirements.lock")
    if dev:
        folder.install("--require-hashes", "-r", "requirements-dev.lock")
    folder.install("--no-deps", "--no-build-isolation", "-e", ".")
    folder.run([folder.python, "-m", "pip", "check"])
    print("".join(folder.run([folder.python, "-m", "pmt_helpers", "doctor"])))
    folder.run([folder.python, "-m", "tools.compile_kernels"])
    folder.finish(want)
    print("%s is ready, after %d s." % (os.path.relpath(folder.path), time.time() - start))


if __name__ == "__main__":
    try:
        main(sys.argv[1], "--dev" in sys.argv[2:])
    except KeyboardInterrupt:
        stop("interrupted.", "Run make again: it starts over with a half-made folder.")
