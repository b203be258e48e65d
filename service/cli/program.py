"""The program ``undertow``: its commands, loaded when they are called, and its exit codes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import NamedTuple

import click

from service.cli.command import common_options
from service.cli.failures import EXIT_CODES, exit_code_of
from service.logs import configure_logs


class Entry(NamedTuple):
    """Where a command is found, under which heading it stands, and what it does."""

    module: str
    section: str
    help: str


_CHAIN = "The chain"
_READ = "Read the result"
_MODEL = "The model"
_KEEP = "The store"

COMMANDS: dict[str, Entry] = {
    "demo": Entry("demo", _CHAIN, "Run the whole chain on the bundled sample."),
    "crawl": Entry("crawl", _CHAIN, "Read the outlets' feeds into the store."),
    "import": Entry("importing", _CHAIN, "Take article files into the store."),
    "tag": Entry("tag", _CHAIN, "Tag files of news, or what the store has untagged."),
    "prices": Entry("prices", _CHAIN, "Take prices of BTC and ETH into the store."),
    "index": Entry("index", _CHAIN, "Build the narrative index of each driver."),
    "series": Entry("series", _CHAIN, "Read a series of amounts from the news."),
    "study": Entry("study", _CHAIN, "Test the index against prices."),
    "report": Entry("report", _READ, "Write the report of a week."),
    "watch": Entry("watch", _READ, "Tell what to watch now."),
    "story": Entry("story", _READ, "Show a story: its copies, tags and evidence."),
    "serve": Entry("serve", _READ, "Serve tags, index and reports over HTTP."),
    "model": Entry("model", _MODEL, "Show what the model is and how well it reads."),
    "evaluate": Entry("evaluate", _MODEL, "Score tags against labelled news."),
    "train": Entry("train", _MODEL, "Train a model on labelled news."),
    "teach": Entry("teach", _MODEL, "Let a teacher judge news, to learn from."),
    "driver": Entry("driver", _MODEL, "Add a driver of your own from a few examples."),
    "sources": Entry("sources", _KEEP, "Show the state of each outlet."),
    "export": Entry("export", _KEEP, "Write the store's articles to a file."),
    "db": Entry("db", _KEEP, "Check the store and bring it up to date."),
}


class Program(click.Group):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order of their use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = importlib.import_module(f"service.cli.{entry.module}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands under their headings without importing any."""
        for section in (_CHAIN, _READ, _MODEL, _KEEP):
            with formatter.section(section):
                formatter.write_dl(
                    [
                        (name, entry.help)
                        for name, entry in COMMANDS.items()
                        if entry.section == section
                    ],
                    col_spacing=4,
                )
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), told) for code, told in EXIT_CODES.items()])


program = Program(
    "undertow",
    help="Tells which forces move the crypto market, from the news, with evidence.",
    epilog="`undertow COMMAND --help` shows the options of a command, with examples.",
    params=common_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
click.version_option(package_name="undertow", message="undertow %(version)s")(program)


def run(arguments: Sequence[str]) -> int:
    """Run the command line on ``arguments`` and give its exit code; nothing is raised."""
    as_json, debug = "--log-json" in arguments, "--debug" in arguments
    try:
        configure_logs(as_json=as_json, debug=debug)
        with program.make_context("undertow", list(arguments) or ["--help"]) as context:
            code = program.invoke(context)
        sys.stdout.flush()
    except BaseException as error:
        return exit_code_of(error, debug=debug)
    return int(code or 0)
