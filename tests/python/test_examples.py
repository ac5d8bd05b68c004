"""The examples as far as they can be held without Dagster and Airflow.

`make test-examples` runs them; here it is that they cannot fall behind: what they
call exists, exit codes are sorted, versions are exact.
"""

import ast
import importlib
import re
import shlex

import pytest
from conftest import ROOT

from kefu.cli import COMMANDS

FOLDER = ROOT / "examples"
SCRIPTS = sorted(FOLDER.glob("*/kefu_*.py"))
NAMES = [script.stem for script in SCRIPTS]
# What asking again does not mend.
FOR_GOOD = {0, 1, 2, 4, 6}
PIN = re.compile(r"^([A-Za-z0-9._-]+)==[0-9][0-9A-Za-z.]*$")
CALL = re.compile(r"(?:^|[`/ ])kefu ((?:[a-z]+)(?: [^`#\n]*)?)")


def constant(script, name):
    """Return what a script gives a name to; of a call what it is called with."""
    (value,) = (
        node.value
        for node in ast.parse(script.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    )
    return ast.literal_eval(value)


def calls_in_code(script):
    """Return the words that a script calls `kefu` with, as far as it spells them."""
    for node in ast.walk(ast.parse(script.read_text("utf-8"))):
        words = []
        if isinstance(node, ast.List) and ast.unparse(node).startswith("[*COMMAND, '"):
            words = node.elts[1:]
        elif isinstance(node, ast.keyword) and node.arg == "words":
            words = getattr(node.value, "elts", [])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "call_kefu":
            words = node.args[1:]
        if words:
            yield [
                word.value if isinstance(word, ast.Constant) else "x" for word in words
            ]


def calls_in_text(text):
    for line in text.splitlines():
        for found in CALL.findall(line):
            yield shlex.split(found.split("&&")[0])


def check_call(words):
    """Let click read a call without carrying it out; it raises where it is wrong."""
    assert words[0] in COMMANDS, words
    module = importlib.import_module(f"kefu.commands.{COMMANDS[words[0]][0]}")
    if words[0] == "dbt":
        assert words[1] in ("parse", "build", "docs"), words
        return
    known = {
        option
        for parameter in module.command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {word for word in words[1:] if word.startswith("--")} <= known, words


def test_both_examples_are_here():
    assert NAMES == ["kefu_airflow", "kefu_dagster"]


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_what_examples_call_exists(script):
    compile(script.read_text("utf-8"), script.name, "exec")
    called = list(calls_in_code(script))
    assert {words[0] for words in called} == {"run", "query"}
    for text in (script, script.with_name("README.md")):
        called += calls_in_text(text.read_text("utf-8"))
    assert ["run", "--wait"] in called
    assert ["dbt", "parse"] in called
    for words in called:
        check_call(words)


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_each_exit_code_is_sorted(script):
    table = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = table.split("## Exit codes")[1].split("\n## ")[0]
    codes = {
        int(code)
        for cell in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
        for code in cell.split(",")
    }
    worth_retrying = constant(script, "WORTH_RETRYING")
    assert codes == FOR_GOOD | worth_retrying
    assert not FOR_GOOD & worth_retrying


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_questions_of_examples_are_answered(script, ask):
    for name in ("NEWEST", "SCORES", "PUBLICATION", "ROWS"):
        if re.search(rf"^{name} =", script.read_text("utf-8"), re.MULTILINE):
            assert ask(constant(script, name))


def test_names_of_figures_are_columns(ask):
    text = FOLDER.joinpath("dagster", "kefu_dagster.py").read_text("utf-8")
    read = set(re.findall(r'(?:now|row|before)\["(\w+)"\]', text))
    held = {
        column
        for (column,) in ask(
            "select column_name from information_schema.columns"
            " where table_schema = 'meta'"
        )
    }
    assert read and read <= held


@pytest.mark.parametrize("script", SCRIPTS, ids=NAMES)
def test_versions_are_exact_and_locked(script):
    wanted = [
        line
        for line in script.with_name("requirements.in").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert wanted and all(map(PIN.match, wanted)), wanted
    lock = script.with_name("requirements.lock").read_text("utf-8")
    locked = [
        line.split(" ")[0].rstrip("\\").split("[")[0]
        for line in lock.splitlines()
        if line and line[0] not in "# "
    ]
    assert set(wanted) <= set(locked)
    assert all(map(PIN.match, locked)), locked
    assert lock.count("--hash=sha256:") >= len(locked)
    assert "://" not in lock


def test_make_knows_the_examples():
    text = (ROOT / "Makefile").read_text("utf-8")
    (listed,) = re.findall(r"^EXAMPLES := (.*)$", text, re.MULTILINE)
    assert sorted(listed.split()) == [script.parent.name for script in SCRIPTS]
