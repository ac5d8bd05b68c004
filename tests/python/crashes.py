"""Killing `kefu` at chosen and at random moments, and looking at what is left.

A world is put back to one and the same state before each kill, so that what a
command must end in, killed before or not, is known from undisturbed calls.
"""

import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
from conftest import Kefu
from warm_start import Started

from kefu.audit.run import DOCS
from kefu.run_lock import held
from kefu.versions import (
    FILE,
    PARQUET,
    RESTRICTED,
    Versions,
    publication_in,
    report_in,
)

Content = dict[str, tuple[int, int]]
LEFTOVERS = ("publishing", "removing", "closing")


def content(file: Path) -> Content:
    """Return the number of rows and a hash of them for each published mart."""
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall()
        return {
            name: connection.execute(
                f'select count(*), sum(hash("{name}")) from marts."{name}"'
            ).fetchone()
            for (name,) in names
        }


@dataclass(frozen=True)
class Command:
    """A command to kill, and what comes of it when nobody does."""

    arguments: tuple[str, ...]
    start_from: str
    """The name of the state that the world is put into before."""
    outcome: Content
    last_line: str
    """How the line begins that it prints when all is done."""
    ends_with: tuple[str, ...] | None = None
    """The command that ends right what was killed; None: the same again."""
    has_ended_right: Callable[[CompletedProcess], bool] = lambda ended: (
        ended.returncode == 0
    )


@dataclass(frozen=True)
class Kill:
    """When to kill a command: after a line it prints, and a share of a time."""

    command: Command
    after_line: str
    seconds: float


@dataclass
class Crashes:
    """A world that can be put back, and what became of the kills in it."""

    world: Kefu
    states: Path
    allowed: list[Content] = field(default_factory=list)
    """What may be published at any moment: one of the good versions."""
    survived: dict[str, int] = field(default_factory=dict)
    """By what the killed command had said last."""

    def remember(self, name: str, *folders: str) -> None:
        """Keep folders of the world as they are now under a name."""
        for folder in folders:
            shutil.copytree(
                self.world.home / folder, self.states / name / folder, symlinks=True
            )

    def put_back(self, name: str) -> None:
        """Make the world what it was when it was remembered."""
        for kept in (self.states / name).iterdir():
            folder = self.world.home / kept.name
            for inner in folder.rglob("*/"):
                inner.chmod(0o755)  # a closing's folder is write-protected
            shutil.rmtree(folder)
            shutil.copytree(kept, folder, symlinks=True)

    def kill(self, kill: Kill, rng: random.Random) -> bool:
        """Kill a command; tell whether it was still at work.

        Fails if what is published then is anything but a whole good version,
        or if the next call does not end as if nothing had been.
        """
        command = kill.command
        self.put_back(command.start_from)
        at_work = self.world.start(*command.arguments)
        while kill.after_line not in at_work.printed and not at_work.has_ended():
            time.sleep(0.002)
        time.sleep(rng.uniform(0, kill.seconds))
        # As the kernel short of memory does it, or as a power cut.
        at_work.kill(signal.SIGKILL, alone=rng.random() < 0.5)
        hit = command.last_line not in at_work.printed
        stage = f"{stage_of(at_work)}{self.unfinished()}"
        at_work.done()
        self.check()
        ended = self.world(*(command.ends_with or command.arguments))
        assert command.has_ended_right(ended), ended.stdout + ended.stderr
        assert content(self.world.published) == command.outcome
        self.check()
        self.check_copies_are_of_one_run()
        assert self.leftovers() == []
        if hit:
            self.survived[stage] = self.survived.get(stage, 0) + 1
            print(f"survived after {stage}", flush=True)
        return hit

    def check(self) -> None:
        """Fail unless the published file is a good version, whole, byte for byte.

        The copies beside it, too, though each may be of another version.
        """
        published = self.world.published
        assert content(published) in self.allowed
        # What was started by a killed command may be publishing still.
        with held(published, "looking", wait=True):
            places = Versions(published)
            whole, broken = places.read()
            assert broken == {}
            kept = {version.run_id: version for version in whole}
            for version in whole:
                version.check([FILE])
            for part, place in ((FILE, published), (RESTRICTED, places.restricted)):
                found = publication_in(place)
                assert found["is_restricted"] == (part == RESTRICTED)
                version = kept[found["run_id"]]
                version.check([part])
                assert (version.folder / part).read_bytes() == place.read_bytes()
            kept[places.parquet.resolve().parent.name].check([PARQUET])
            # The report is of the same version as the file, or not there.
            current = publication_in(published)["run_id"]
            assert report_in(places.report) in (None, current)

    def check_copies_are_of_one_run(self) -> None:
        """Fail unless all that is published is of the same version."""
        places = Versions(self.world.published)
        assert {
            publication_in(places.published)["run_id"],
            publication_in(places.restricted)["run_id"],
            places.parquet.resolve().parent.name,
            report_in(places.report),
        } == {places.current_id()}

    def unfinished(self) -> str:
        """Return what of a publication is on its way, for the report."""
        left = [name for name in self.leftovers() if name.endswith(LEFTOVERS)]
        if any(name.startswith(".kefu") for name in left):
            return ", putting in place"
        return ", making the copy" if left else ""

    def leftovers(self) -> list[str]:
        """Return what is unfinished beside the published and the working file."""
        folder = self.world.published.parent
        pages = (folder / DOCS).resolve()
        return sorted(
            path.name
            for path in (
                *folder.rglob(".*"),
                *self.world.database.parent.glob("*.audit.tmp"),
            )
            if path.name.endswith((*LEFTOVERS, ".audit.tmp"))
            or (path.name.startswith(f".{DOCS}-") and path != pages)
        )

    def kill_all(self, kills: Sequence[Kill], rng: random.Random) -> None:
        """Kill until each kill has hit once.

        A kill that comes too late, because the command was quicker than
        before, is made again earlier.
        """
        for kill in kills:
            seconds = kill.seconds
            while not self.kill(Kill(kill.command, kill.after_line, seconds), rng):
                seconds /= 2


def stage_of(started: Started) -> str:
    """Return what a command was doing, as its last line without figures tells."""
    lines = [
        line
        for line in started.printed.splitlines()
        if line and not line.startswith(" ")
    ]
    word = lines[-1].split()[0] if lines else "starting"
    return f"{started.arguments[0]}, {word}"


def times_of(world: Kefu, *arguments: str) -> dict[str, float]:
    """Call a command undisturbed; return when it printed the first of its words.

    In seconds since it was started, by the first word of each line.
    """
    began = time.monotonic()
    words: dict[str, float] = {}
    started = world.start(*arguments)
    while not started.has_ended():
        for line in started.printed.splitlines():
            if line.strip():
                words.setdefault(line.split()[0], time.monotonic() - began)
        time.sleep(0.005)
    done = started.done()
    assert done.returncode == 0, done.stdout + done.stderr
    return words
