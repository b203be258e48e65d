"""The program as a whole: help, exit codes, and how every kind of failure ends."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from service.cli.failures import EXIT_CODES
from service.cli.program import COMMANDS, Entry, program


def _leaves(name: str, command: click.Command):
    if isinstance(command, click.Group):
        for inner, one in command.commands.items():
            yield from _leaves(f"{name} {inner}", one)
    else:
        yield name, command


def _commands():
    context = click.Context(program)
    for name in COMMANDS:
        found = program.get_command(context, name)
        assert found is not None
        yield from _leaves(name, found)


def test_help_lists_every_command_and_exit_code(undertow):
    shown = undertow("--help")
    assert shown.code == 0
    for name, entry in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(entry.help)}$", shown.out, re.MULTILINE)
    for code in EXIT_CODES:
        assert re.search(rf"^  {code} ", shown.out, re.MULTILINE)


def test_no_arguments_show_the_help(undertow):
    assert undertow().out == undertow("--help").out


def test_exit_codes_are_those_of_the_contracts(root):
    text = (root / "docs/contracts.md").read_text(encoding="utf-8")
    table = text[text.index("## Exit codes") :]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)} == {*EXIT_CODES}


@pytest.mark.parametrize(("name", "command"), [*_commands()], ids=lambda one: str(one)[:20])
def test_each_command_has_a_help_with_examples_of_itself(undertow, name, command):
    shown = undertow(*name.split(), "--help")
    assert shown.code == 0
    assert command.help
    examples = shown.out[shown.out.index("Examples:") :].splitlines()[1:]
    assert examples
    assert all(f"undertow {name}" in line for line in examples)


@pytest.mark.parametrize(("name", "command"), [*_commands()], ids=lambda one: str(one)[:20])
def test_examples_name_options_that_there_are(name, command):
    known = {option for one in command.params for option in one.opts} | {"-h", "--help"}
    for example in command.examples:
        words = example.split("     ")[0].split(f"undertow {name}", 1)[1]
        used = set(re.findall(r"(?<= )--?[a-z][a-z-]*", words))
        assert used <= known, example


def test_version(undertow):
    assert re.fullmatch(r"undertow \d+\.\d+\.\d+\n", undertow("--version").out)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing-known",),
        ("tag", "--unknown"),
        ("report",),
        ("report", "--week", "last"),
        ("index", "--freq", "M"),
        ("index", "--since", "yesterday"),
        ("tag", "--resume"),
        ("tag", "news.jsonl"),
        ("tag", "news.jsonl", "-o", "tags.jsonl", "--db", "sqlite://"),
        ("tag", "-o", "tags.jsonl"),
        ("index", "-o", "index.xlsx"),
        ("study", "-o", "study.html"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(undertow, one_line, arguments):
    outcome = undertow(*arguments)
    assert outcome.code == 2
    assert "(" in one_line(outcome)


def test_a_wrong_setting_is_named(undertow, one_line, monkeypatch):
    monkeypatch.setenv("UNDERTOW_THREADS", "many")
    outcome = undertow("model")
    assert outcome.code == 2
    assert "UNDERTOW_THREADS" in one_line(outcome)


def test_a_failure_as_json_has_its_exit_code(undertow):
    outcome = undertow("model", "--model", "nowhere", "--log-json")
    assert outcome.code == 1
    record = json.loads(outcome.err)
    assert record["level"] == "ERROR"
    assert record["exit_code"] == 1
    assert "nowhere" in record["message"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*(\+00:00|Z)", record["time"])


def _broken() -> None:
    raise ZeroDivisionError("one by\nnothing")


@pytest.fixture
def broken_command(monkeypatch):
    """A command with a bug, as no command of the program has one that we know of."""
    module = ModuleType("service.cli.broken")
    module.command = click.Command("broken", callback=_broken)
    monkeypatch.setitem(sys.modules, "service.cli.broken", module)
    monkeypatch.setitem(COMMANDS, "broken", Entry("broken", "The chain", "Fail."))


@pytest.mark.usefixtures("broken_command")
def test_a_bug_is_one_line_with_the_place_of_its_trace(undertow):
    outcome = undertow("broken")
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "bug in Undertow: ZeroDivisionError: one by nothing" in outcome.err
    trace = Path(re.search(r"the trace is in (\S+)", outcome.err)[1])
    assert "in _broken" in trace.read_text(encoding="utf-8")
    trace.unlink()


@pytest.mark.usefixtures("broken_command")
def test_debug_shows_the_trace(undertow):
    outcome = undertow("--debug", "broken")
    assert "in _broken" in outcome.err
    Path(re.search(r"the trace is in (\S+)", outcome.err)[1]).unlink()


def test_a_reader_that_hangs_up_is_no_failure(undertow_line):
    # More than a pipe holds would be needed to block; hanging up first is the surer way.
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*undertow_line, "--help"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_behind_standard_output_is_one_line(process, one_line):
    with Path("/dev/full").open("w") as full:
        outcome = process("--help", stdout=full)
    assert outcome.code == 1
    assert "no space left" in one_line(outcome)


def test_the_documentation_has_every_command_and_setting(root):
    from service.settings import Settings

    text = (root / "docs/cli.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^### (\w+)$", text, re.MULTILINE)) == {*COMMANDS}
    variables = {f"UNDERTOW_{name.upper()}" for name in Settings.model_fields}
    variables.add("UNDERTOW_CONTACT")  # of `crawl` alone
    assert set(re.findall(r"^\| `(UNDERTOW_\w+)` \|", text, re.MULTILINE)) == variables
    for line in re.findall(r"^\$ undertow (\w+)", text, re.MULTILINE):
        assert line in COMMANDS
