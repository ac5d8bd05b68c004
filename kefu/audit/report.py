"""What an audit found: for people on one screen, for machines as JSON."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kefu.audit.config import BLOCKING, WARNING

KEPT = 30
ROWS_SHOWN = 5
ROWS_KEPT = 20


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
                    lines += _told(outcome, kind)
        lines += [
            f"  not judged: {', '.join(names)}: there are no {reason}"
            for reason, names in self._not_judged().items()
        ]
        lines += [f"  not judged: {line}" for line in self.sources_told()]
        lines.append(f"  {self.told_of_publication()}")
        return "\n".join(lines)

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


def _told(outcome: Outcome, kind: str) -> list[str]:
    head = "BLOCKING" if kind == BLOCKING else kind
    lines = [f"{head} {outcome.name}: not so: {outcome.meaning}"]
    lines += [f"  {_row(row)}" for row in outcome.keys[:ROWS_SHOWN]]
    left = (outcome.observed or 0) - len(outcome.keys[:ROWS_SHOWN])
    if left > 0:
        lines.append(f"  and {left} more")
    if kind == "accepted":
        lines.append(f"  accepted: {outcome.accepted_reason}")
    else:
        lines.append(f"  do: {outcome.advice}")
    return lines


def _row(row: dict) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in row.items())


def _value(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
