"""What an audit found: for people on one screen, for machines as JSON."""

import json
import shlex
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kefu.audit.config import BLOCKING, WARNING

KEPT = 30
ROWS_SHOWN = 5
RESULTS = "audit"
ROWS_KEPT = 20
NAMES_SHOWN = 4


@dataclass
class Outcome:
    """One check: what it said, and on which keys.

    `success` is None where the check was not judged; `not_judged` says why.
    `observed` is the number of offending rows, `keys` a sample of them, the
    worst first; neither holds a message text or a buyer.
    """

    name: str
    suite: str
    severity: str
    meaning: str
    advice: str
    success: bool | None = None
    observed: int | None = None
    keys: list[dict] = field(default_factory=list)
    not_judged: str | None = None
    accepted_reason: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether this outcome keeps the build from being published."""
        return (
            self.success is False
            and self.severity == BLOCKING
            and self.accepted_reason is None
        )


@dataclass
class AuditReport:
    """All outcomes of one audit."""

    run_id: str
    audited_at: str
    """UTC, as YYYY-MM-DDTHH:MM:SS+00:00."""
    outcomes: list[Outcome]
    sources_not_judged: list[dict] = field(default_factory=list)
    """Sources with too few earlier loads or days: source, earlier, of, needed."""
    compared_with: str | None = None
    """The run id of the published version; None where there was none."""
    left_unjudged: list[dict] = field(default_factory=list)
    """New loads and days before those judged: of, source, number, first, last."""
    is_published_unread: bool = False
    """Whether something is published that could not be compared with."""
    landings_gone: list[str] = field(default_factory=list)
    """Files that the published version has read and that are there no more."""

    @property
    def passed(self) -> bool:
        """Whether the build may be published."""
        return not any(outcome.blocks for outcome in self.outcomes)

    @property
    def blocking(self) -> list[str]:
        """The names of the checks that keep the build from being published."""
        return [outcome.name for outcome in self.outcomes if outcome.blocks]

    @property
    def checks(self) -> list[dict]:
        """The outcomes as plain dictionaries."""
        return [asdict(outcome) for outcome in self.outcomes]

    def as_dict(self) -> dict:
        """Return the report as plain values, fit for JSON."""
        return {
            "run_id": self.run_id,
            "audited_at": self.audited_at,
            "passed": self.passed,
            "compared_with": self.compared_with,
            "counts": self.counts(),
            "is_published_unread": self.is_published_unread,
            "sources_not_judged": self.sources_not_judged,
            "left_unjudged": self.left_unjudged,
            "landings_gone": self.landings_gone,
            "checks": self.checks,
        }

    def counts(self) -> dict[str, int]:
        """Return how many checks ended how."""
        kinds = Counter(_kind(outcome) for outcome in self.outcomes)
        return {
            kind: kinds[kind]
            for kind in ("passed", "blocking", "accepted", "warning", "not_judged")
        }

    def screen(self) -> str:
        """Return what failed, on which keys, and what to do, as lines."""
        counts = self.counts()
        lines = [
            f"audit {'passed' if self.passed else 'FAILED'}:"
            f" {counts['passed']} checks passed,"
            f" {counts['blocking']} blocking, {counts['warning']} warnings,"
            f" {counts['accepted']} accepted, {counts['not_judged']} not judged"
        ]
        for kind in ("blocking", "accepted", "warning"):
            for outcome in self.outcomes:
                if _kind(outcome) == kind:
                    lines += self._told(outcome, kind)
        lines += self.gone_told()
        lines += [
            f"  not judged: {_listed(names)}: {reason}"
            for reason, names in self._not_judged().items()
        ]
        lines += [f"  not judged: {line}" for line in self.sources_told()]
        lines.append(f"  {self.told_of_publication()}")
        if self.blocking:
            accepted = [
                f"--accept {outcome.name} --reason 'WHY'"
                for outcome in self.outcomes
                if outcome.blocks
            ]
            known = [
                f"--accept {outcome.name}"
                f" --reason {shlex.quote(outcome.accepted_reason)}"
                for outcome in self.outcomes
                if outcome.success is False and outcome.accepted_reason is not None
            ]
            lines.append(
                "  if all of it is known and true: kefu run"
                f" {' '.join([*accepted, *known])}"
            )
        return "\n".join(lines)

    def _told(self, outcome: Outcome, kind: str) -> list[str]:
        head = "BLOCKING" if kind == BLOCKING else kind
        lines = [f"{head} {outcome.name}: must hold: {outcome.meaning}"]
        lines += [f"  {_row(row)}" for row in outcome.keys[:ROWS_SHOWN]]
        left = (outcome.observed or 0) - len(outcome.keys[:ROWS_SHOWN])
        if left > 0:
            kept = len(outcome.keys[ROWS_SHOWN:])
            some = "" if kept == left else f", {kept} of them"
            where = f"{some} in {self.file_name} beside the working database"
            lines.append(f"  and {left} more{where if kept else ''}")
        if kind == "accepted":
            lines.append(f"  accepted: {outcome.accepted_reason}")
        else:
            lines.append(f"  do: {outcome.advice}")
        return lines

    @property
    def file_name(self) -> str:
        """The file with all that is kept, below the folder of the working database."""
        return f"{RESULTS}/{self.run_id}.json"

    def gone_told(self) -> list[str]:
        """Return a line for the landings that are gone, none if none are."""
        if not self.landings_gone:
            return []
        number = len(self.landings_gone)
        shown = ", ".join(self.landings_gone[:NAMES_SHOWN])
        left = number - NAMES_SHOWN
        more = f", and {left} more in {self.file_name}" if left > 0 else ""
        return [
            f"  gone since the published version: {number} landed"
            f" file{'s' * (number > 1)}: {shown}{more}"
        ]

    def sources_told(self) -> list[str]:
        """Return lines for loads and for days: what was not judged, and why."""
        lines = []
        for left in self.left_unjudged:
            told = f"{left['number']} new {left['of']}"
            told += f" of {left['source']}" if left["source"] else ""
            told += f", {left['first']} to {left['last']}: only newer ones are held"
            told += " against those before"
            if left["of"] == "days":
                told += ", of these but the completeness"
            lines.append(told)
        for kind in ("loads", "days"):
            lacking = [
                entry for entry in self.sources_not_judged if entry["of"] == kind
            ]
            if lacking:
                named = ", ".join(f"{it['source']} ({it['earlier']})" for it in lacking)
                lines.append(
                    f"new {kind} of {named}: fewer than {lacking[0]['needed']} earlier"
                    " ones to compare with"
                )
        return lines

    def told_of_publication(self) -> str:
        """Return the line that says what published version this was held against."""
        if self.is_published_unread:
            return (
                "compared with NOTHING: no whole version is kept, and the published"
                " file cannot be read"
            )
        if self.compared_with is None:
            return "nothing published yet: there is no version to compare with"
        return f"compared with the published version {self.compared_with}"

    def _not_judged(self) -> dict[str, list[str]]:
        reasons: dict[str, list[str]] = {}
        for outcome in self.outcomes:
            if outcome.not_judged:
                reasons.setdefault(outcome.not_judged, []).append(outcome.name)
        return reasons

    def keep(self, folder: Path) -> Path:
        """Write the report into the folder of results; keep the newest ones."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.run_id}.json"
        fresh = path.with_suffix(".json.new")
        text = json.dumps(self.as_dict(), ensure_ascii=False, indent=1)
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(path)
        by_age = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in by_age[:-KEPT]:
            file.unlink(missing_ok=True)
        return path


def _kind(outcome: Outcome) -> str:
    if outcome.success is None:
        return "not_judged"
    if outcome.success:
        return "passed"
    if outcome.severity == WARNING:
        return WARNING
    return BLOCKING if outcome.blocks else "accepted"


def _listed(names: list[str]) -> str:
    """Return the names, or only how many there are if they would fill the screen."""
    if len(names) <= NAMES_SHOWN:
        return ", ".join(names)
    return f"{len(names)} checks, such as {names[0]}"


def _row(row: dict) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in row.items())


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
