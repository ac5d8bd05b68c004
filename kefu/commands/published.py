"""`kefu published`: the versions that are kept."""

import click

from kefu.console import say
from kefu.errors import EXIT_PUBLISH, KefuError
from kefu.run_record import RunRecord
from kefu.settings import Settings
from kefu.versions import ROLLED_BACK, Version, Versions, publication_in

HEADINGS = ("", "run id", "published (UTC)", "as-of end", "rows", "tests", "audit", "")


@click.command()
def command() -> None:
    """List the published versions, newest first; * marks the current one."""
    versions = Versions(Settings.from_env().published)
    whole, broken = versions.read()
    current = publication_in(versions.published)
    if not (whole or broken or current):
        raise KefuError(
            f"nothing is published as {versions.published}: use `kefu run`",
            EXIT_PUBLISH,
        )
    current_id = current and current["run_id"]
    left = {
        event["replaced"]: event["at"]
        for event in versions.history()
        if event["event"] == ROLLED_BACK
    }
    lines = [line_of(version, current_id, left) for version in whole]
    lines += [
        ("", run_id, "", "", "", "", "", f"damaged: {why}")
        for run_id, why in broken.items()
    ]
    if current and current_id not in [version.run_id for version in whole]:
        lines.append(("*", current_id, "", "", "", "", "", "current, but not kept"))
    say(f"versions of {versions.published}")
    table = [HEADINGS, *lines]
    widths = [max(len(row[index]) for row in table) for index in range(len(HEADINGS))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def line_of(
    version: Version, current_id: str | None, left: dict[str, str]
) -> tuple[str, ...]:
    """Return the cells of one version."""
    record = version.record
    publication = version.publication
    remarks = [] if record.has_passed else ["untested"]
    remarks += [f"accepted {entry['check']}" for entry in record.accepted]
    remarks += [f"kept for {reason}" for reason in version.pins]
    if version.run_id in left and version.run_id != current_id:
        remarks.append(f"left by rollback at {left[version.run_id]}")
    return (
        "*" if version.run_id == current_id else "",
        version.run_id,
        publication["published_at"].removesuffix("Z").replace("T", " "),
        publication["as_of_end"] or "-",
        f"{sum(publication['row_counts'].values()):,}",
        told_tests(record),
        told_audit(record),
        ", ".join(remarks),
    )


def told_tests(record: RunRecord) -> str:
    """Return in a few words what the data tests found."""
    if isinstance(record.tests, str):
        return record.tests
    counts = ((name, record.tests[name]) for name in ("passed", "warned", "failed"))
    return ", ".join(f"{count} {name}" for name, count in counts if count) or "none"


def told_audit(record: RunRecord) -> str:
    """Return in a word what the audit found."""
    if isinstance(record.audit, str):
        return record.audit
    return "passed" if record.is_audited else "failed"
