"""The command line, `python -m pmt_helpers`: the commands of commands/, each imported when it is called for."""

import errno
import io
import os
import sys
from importlib import import_module

import click

# What each command is for stands here too, so that --help need not import the commands and all they rest on.
WHERE = {"data": "data:data_group", "sweep": "sweep:sweep_group", "profile": "profile:record_profile",
         "system": "system:system_group", "course": "course:course_group"}  # in commands/  # fmt: skip
COMMANDS = {
    "doctor": "Say what works on this machine, and what to do about what does not.",
    "run": "Execute the notebooks; write them, web pages and a summary of seconds and memory.",
    "pages": "Write the web pages of the last run again.",
    "slides": "Write slides of the notebooks, to show in a lecture without a network.",
    "data": "List, fetch and check the data sets.",
    "sweep": "Compute a stored result again, with its provenance.",
    "profile": "Record what training costs on this machine, or write the edition that a Raspberry Pi runs.",
    "system": "Run the whole system: a cloud, mirrors, and devices that retrain at home.",
    "notebooks": "For authors: build the notebooks from their sources, and verify what is stored.",
    "course": "For lecturers: release the workbook without answers, collect, grade, report on a class.",
    "claims": "Show what the paper says beside what the workbook measures.",
}


class LazyGroup(click.Group):
    """A click group which knows its commands by name and imports one only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, function = WHERE.get(cmd_name, f"workbook:{cmd_name}").split(":")
        return getattr(import_module(f"pmt_helpers.commands.{module}"), function)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


EXITS = """\b
Exit codes:
  0    Done.
  1    Something differs, stopped, or could not be read or written. The last lines say what.
  2    The command line asks for what there is not.
  130  Stopped with Ctrl-C.
A failure is told in a few words; with PMT_DEBUG=1 in the environment, with all of Python's."""


@click.group(cls=LazyGroup, epilog=EXITS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pmt-helpers", prog_name="pmt_helpers")
def cli() -> None:
    """The workbook's helper: check the machine, run the notebooks, look after the data."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code. Errors that a user can fix are one message, unless PMT_DEBUG=1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a letter that the terminal's encoding lacks is shown as ?
    code = _run(arguments)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:  # nobody reads any more, or the disk is full: known only now, when all is computed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the end of the process
        if not code and error.errno != errno.EPIPE:
            click.echo(f"Error: what is printed cannot be written: {error.strerror}", err=True)
        return code or 1
    return code


def _run(arguments: list[str] | None) -> int:
    try:
        cli.main(arguments, prog_name="python -m pmt_helpers", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except SystemExit as end:  # of a command that found something, or of click where nobody reads any more
        return int(end.code or 0)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 130
    except Exception as error:
        from pmt_helpers.datasets.errors import DataError

        if os.environ.get("PMT_DEBUG") == "1" or not isinstance(error, click.ClickException | DataError | OSError):
            raise
        if isinstance(error, click.ClickException):
            error.show()
            return error.exit_code
        if isinstance(error, OSError):
            text = f"{error.filename or 'what this command prints or writes'}: {error.strerror or error}"
        else:
            text = str(error)
        click.echo(f"Error: {text}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
