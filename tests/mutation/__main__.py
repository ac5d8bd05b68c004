"""The command: make changes, see which are noticed, report and judge.

A change is killed by the model's unit tests or, failing those, in the nasty
worlds of test_agreement.py by a contract, the reference or a data test. A change
that the engine refuses is invalid and not counted. Survivors must stand in
survivors.yml with a reason; those that change no possible result (equivalent)
do not count either, and a change that some test notices is none of them. Models
that cannot be changed must stand there too. Without --all the score is that of a
sample, and the report says so.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import duckdb
import yaml
from compiled_project import ROOT, Project
from reference.compute import compute
from reference.nasty_data import make
from test_agreement import KEY, LOTS

from mutation.operators import Mutation, apply, mutations_of, parse, render
from mutation.units import UnitTests, by_model, compile_unit_tests
from mutation.worlds import SURVIVED, Verdict, World

LISTED = Path(__file__).with_name("survivors.yml")
ANY = "<any>"
NEEDED_SCORE = 0.9
# All that what is prepared depends on.
WATCHED = (
    *("models", "macros", "seeds", "dbt_project.yml"),
    *("tests/contracts", "tests/generic", "tests/identities", "tests/integrity"),
    *("tests/python/reference", "tests/python/compiled_project.py"),
    *("tests/python/test_agreement.py", "tests/mutation/units.py"),
)


@dataclass(frozen=True)
class Outcome:
    """What became of one change of one model."""

    model: str
    kind: str
    words: str
    state: str
    """killed, survived, invalid, left out (of the sample) or skipped"""
    tier: int
    """1 unit tests, 2 worlds"""
    by: str


# --- preparing ---


def fingerprint(root: Path) -> str:
    """Return a hash of all that the results depend on."""
    digest = hashlib.sha256()
    for part in WATCHED:
        top = root / part
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if file.suffix in (".sql", ".yml", ".csv", ".py"):
                digest.update(str(file.relative_to(root)).encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()


def prepare(home: Path, root: Path) -> None:
    """Compile the project for each lot and its unit tests, unless done before."""
    done = home / "done.txt"
    mark = fingerprint(root)
    if done.exists() and done.read_text() == mark:
        return
    home.mkdir(parents=True, exist_ok=True)
    done.unlink(missing_ok=True)
    for name, (seed, variables) in LOTS.items():
        project = Project.compile(home / name, variables, root)
        landed = home / name / f"landed_{seed}"
        if not landed.exists():
            make(landed, seed, seeds_dir=root / "seeds")
        expected = compute(landed, root / "seeds", variables | {"buyer_key": KEY})
        (home / name / "expected.pickle").write_bytes(pickle.dumps(expected))
    tests = compile_unit_tests(project, home / "units", root)
    (home / "units.pickle").write_bytes(pickle.dumps(tests))
    done.write_text(mark)


# --- judging, in processes of their own ---


class Judge:
    """Judges the changes of models; one a process, for the worlds are dear."""

    def __init__(self, home: Path) -> None:
        self.unit_tests = by_model(pickle.loads((home / "units.pickle").read_bytes()))
        self.worlds = [
            World(
                Project.load(home / name),
                home / name / f"landed_{seed}",
                pickle.loads((home / name / "expected.pickle").read_bytes()),
                KEY,
                with_tests=name == "defaults",
            )
            for name, (seed, _) in LOTS.items()
        ]

    def model(self, name: str, limit: int | None) -> list[Outcome]:
        """Judge changes of one model, at most so many; name those left out."""
        trees = [parse(world.project.models[name].sql) for world in self.worlds]
        for world, tree in zip(self.worlds, trees, strict=True):
            if not world.same(name, render(tree)):
                told = "sqlglot writes another query"
                return [Outcome(name, "none", "the model itself", "skipped", 0, told)]
        units = UnitTests(self.unit_tests.get(name, []))
        for test in units.tests:
            if units.fails(test, test.sql):
                raise RuntimeError(f"{name}: {test.name} fails before any change")
        unit_trees = [parse(test.sql) for test in units.tests]
        found = gathered(trees)
        asked = {mutation.words for mutation in chosen(name, found, limit)}
        outcomes = []
        for mutation in found:
            verdict, tier = Verdict("left out"), 0
            if mutation.words in asked:
                verdict, tier = self._one(name, mutation, trees, units, unit_trees)
            outcomes.append(
                Outcome(
                    name,
                    mutation.kind,
                    mutation.words,
                    verdict.state,
                    tier,
                    verdict.by,
                )
            )
        return outcomes

    def _one(
        self,
        name: str,
        mutation: Mutation,
        trees: list,
        units: UnitTests,
        unit_trees: list,
    ) -> tuple[Verdict, int]:
        refused = None
        for test, tree in zip(units.tests, unit_trees, strict=True):
            changed = apply(mutation, tree)
            if changed is None:
                continue
            try:
                if units.fails(test, render(changed)):
                    return Verdict("killed", f"unit test {test.name}"), 1
            except duckdb.Error as error:
                refused = Verdict("killed", f"unit test {test.name}: {error}")
        verdict = SURVIVED
        for world, tree in zip(self.worlds, trees, strict=True):
            changed = apply(mutation, tree)
            if changed is None:
                continue
            verdict = world.judge(name, render(changed))
            if verdict != SURVIVED:
                break
        # What runs over the worlds but not over a fixture fails the unit test.
        if verdict == SURVIVED and refused is not None:
            return refused, 1
        return verdict, 2


judge: Judge | None = None


def _start(home: Path) -> None:
    global judge  # noqa: PLW0603
    judge = Judge(home)


def _model(name: str, limit: int | None) -> list[Outcome]:
    return judge.model(name, limit)


def gathered(trees: list) -> list[Mutation]:
    """Return the changes of a model's compilations, each place's but once.

    Some places are there under some vars only.
    """
    found: dict[tuple, Mutation] = {}
    used: set[str] = set()
    for number, tree in enumerate(trees):
        for mutation in mutations_of(tree):
            place = (mutation.path, mutation.kind, mutation.number, mutation.likeness)
            if place in found:
                continue
            if mutation.words in used:
                words = f"{mutation.words} (lot {number + 1})"
                mutation = replace(mutation, words=words)  # noqa: PLW2901
            used.add(mutation.words)
            found[place] = mutation
    return list(found.values())


def chosen(model: str, mutations: list[Mutation], limit: int | None) -> list[Mutation]:
    """Choose so many changes, of each kind in turn; always the same ones.

    Each stands in an order of its own, by a hash of its words, so that an edit
    of the model elsewhere changes little of the choice.
    """
    by_kind = defaultdict(list)
    for mutation in mutations:
        text = f"{model}|{mutation.words}"
        order = hashlib.sha256(text.encode()).hexdigest()
        by_kind[mutation.kind].append((order, mutation))
    turns = []
    for listed in by_kind.values():
        listed.sort(key=lambda entry: entry[0])
        turns += [(turn, order, each) for turn, (order, each) in enumerate(listed)]
    turns.sort(key=lambda entry: entry[:2])
    return [each for _, _, each in turns[:limit]]


# --- the report ---


@dataclass(frozen=True)
class Entry:
    """Survivors that are listed with a reason; <any> in their texts is any text."""

    model: str
    mutation: str
    reason: str
    equivalent: bool = False

    def covers(self, outcome: Outcome) -> bool:
        """Whether the change is one of this entry's."""
        return _matches(self.model, outcome.model) and _matches(
            self.mutation, outcome.words
        )


def _matches(pattern: str, text: str) -> bool:
    parts = map(re.escape, " ".join(pattern.split()).split(ANY))
    return re.fullmatch(".*".join(parts), text) is not None


def read_listed() -> list[Entry]:
    """Return the survivors that are listed with a reason.

    One listed with several changes is as many entries.
    """
    entries = yaml.safe_load(LISTED.read_text(encoding="utf-8"))["survivors"] or []
    return [
        Entry(**entry | {"mutation": mutation})
        for entry in entries
        for mutation in (
            [entry["mutation"]]
            if isinstance(entry["mutation"], str)
            else entry["mutation"]
        )
    ]


def read_skipped() -> dict[str, str]:
    """Return the models that are listed as not to be changed, with the reasons."""
    entries = yaml.safe_load(LISTED.read_text(encoding="utf-8"))["not_changed"] or []
    return {entry["model"]: entry["reason"] for entry in entries}


def entry_of(outcome: Outcome, listed: list[Entry]) -> Entry | None:
    """Return the first entry that covers a change, None if none does."""
    return next((entry for entry in listed if entry.covers(outcome)), None)


def outdated(outcomes: list[Outcome], listed: list[Entry]) -> list[Entry]:
    """Return the entries of judged models that cover no survivor any more."""
    models = {each.model for each in outcomes}
    found = []
    for entry in listed:
        states = {each.state for each in outcomes if entry.covers(each)}
        is_judged = any(_matches(entry.model, model) for model in models)
        if is_judged and not states & {"survived", "left out"}:
            found.append(entry)
    return found


def noticed(
    outcomes: list[Outcome], listed: list[Entry]
) -> list[tuple[Entry, Outcome]]:
    """Return the entries for equivalent changes, each with one that is none.

    A change that some test notices has another result, so an entry that covers it
    says too much.
    """
    found = []
    for entry in listed:
        killed = (each for each in outcomes if each.state == "killed")
        first = next((each for each in killed if entry.covers(each)), None)
        if entry.equivalent and first is not None:
            found.append((entry, first))
    return found


def score(outcomes: list[Outcome], listed: list[Entry]) -> tuple[float | None, dict]:
    """Return killed of those that count, and the counts by what became of them."""
    counts = dict.fromkeys(
        ("made", "invalid", "unit", "world", "equivalent", "survived"), 0
    )
    for outcome in outcomes:
        if outcome.state in ("left out", "skipped"):
            continue
        counts["made"] += 1
        entry = entry_of(outcome, listed)
        if outcome.state == "invalid":
            counts["invalid"] += 1
        elif outcome.state == "killed":
            counts["unit" if outcome.tier == 1 else "world"] += 1
        elif entry is not None and entry.equivalent:
            counts["equivalent"] += 1
        else:
            counts["survived"] += 1
    killed = counts["unit"] + counts["world"]
    counted = killed + counts["survived"]
    return (killed / counted if counted else None), counts


def report(
    outcomes: list[Outcome], listed: list[Entry], skippable: Iterable[str] = ()
) -> bool:
    """Print the scores, what survived and what the list lacks; return if good.

    `skippable` names the models that are listed as not to be changed.
    """
    gone, wide = outdated(outcomes, listed), noticed(outcomes, listed)
    every = len(outcomes)
    outcomes = [each for each in outcomes if each.state != "left out"]
    skipped = {each.model for each in outcomes if each.state == "skipped"}
    judged = {each.model for each in outcomes} - skipped
    by_model_name = defaultdict(list)
    for outcome in outcomes:
        by_model_name[outcome.model].append(outcome)
    columns = ("made", "invalid", "unit", "world", "equivalent", "survived")
    click.echo(f"{'model':44}" + "".join(f"{name:>11}" for name in columns) + "  score")
    for name in [*sorted(by_model_name), "all models"]:
        share, counts = score(by_model_name.get(name, outcomes), listed)
        told = "    -" if share is None else f"{share:6.1%}"
        numbers = "".join(f"{counts[column]:11}" for column in columns)
        click.echo(f"{name:44}{numbers} {told}")
    for each in outcomes:
        if each.state == "skipped":
            click.echo(f"not changed: {each.model}: {each.by}")
    survivors = [each for each in outcomes if each.state == "survived"]
    for each in survivors:
        entry = entry_of(each, listed)
        told = entry.reason.strip() if entry else "NOT LISTED"
        click.echo(f"survived: {each.model}: {each.words}\n    {told}")
    for entry in gone:
        click.echo(f"listed, but no survivor: {entry.model}: {entry.mutation}")
    for entry, outcome in wide:
        click.echo(
            f"listed as equivalent, but {outcome.by} notices one: {entry.model}:"
            f" {entry.mutation}: {outcome.model}: {outcome.words}"
        )
    for model in sorted(skipped - set(skippable)):
        click.echo(f"not changed, and not listed as such: {model}")
    for model in sorted(judged & set(skippable)):
        click.echo(f"listed as not changed, but it is: {model}")
    is_listed = not (skipped - set(skippable) or judged & set(skippable))
    unlisted = sum(entry_of(each, listed) is None for each in survivors)
    share, _ = score(outcomes, listed)
    told = "-" if share is None else f"{share:.1%}"
    if len(outcomes) < every:
        click.echo(f"score {told} of a sample: {len(outcomes)} of {every} changes")
    else:
        click.echo(f"score {told} of all {every} changes")
    if unlisted:
        click.echo(f"{unlisted} survivors are not listed in {LISTED.name}")
    is_enough = share is None or share >= NEEDED_SCORE
    if not is_enough:
        click.echo(f"the score is below {NEEDED_SCORE:.0%}")
    return is_enough and is_listed and not (unlisted or gone or wide)


@click.command()
@click.option("--all", "every", is_flag=True, help="Make every change.")
@click.option("--per-model", default=12, help="Changes a model, if not all.")
@click.option("--model", "models", multiple=True, help="Only this model.")
@click.option("--jobs", default=2, help="Processes.")
@click.option(
    "--home",
    type=click.Path(path_type=Path),
    default=ROOT / "data" / "mutation",
    help="Folder for what is compiled, kept for the next time.",
)
def main(
    every: bool, per_model: int, models: tuple[str, ...], jobs: int, home: Path
) -> None:
    """Change the models' SQL a little and count how often a test fails."""
    started = time.monotonic()
    prepare(home, ROOT)
    click.echo(f"prepared after {time.monotonic() - started:.0f} s")
    names = Project.load(home / "defaults").models
    unknown = set(models) - set(names)
    if unknown:
        raise click.UsageError(f"no such model: {', '.join(sorted(unknown))}")
    limit = None if every else per_model
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(jobs, initializer=_start, initargs=(home,)) as pool:
        asked = {name: pool.submit(_model, name, limit) for name in models or names}
        for name, answer in asked.items():
            found = answer.result()
            outcomes += found
            survived = sum(each.state == "survived" for each in found)
            click.echo(f"{name}: {survived} survived", err=True)
    made = [asdict(each) for each in outcomes if each.state != "left out"]
    text = json.dumps(made, ensure_ascii=False, indent=1)
    (home / "outcomes.json").write_text(text, encoding="utf-8")
    is_good = report(outcomes, read_listed(), read_skipped())
    click.echo(f"after {time.monotonic() - started:.0f} s")
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
