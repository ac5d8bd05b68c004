"""One file through: recognise, map, judge, land, and tell what happened."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import polars as pl
import yaml

from kefu.contract import Table
from kefu.ingest import refunds, reports
from kefu.ingest.files import (
    Source,
    check_unchanged,
    csv_header,
    csv_rows,
    documents,
    inspect,
    open_sheet,
    sheet_rows,
)
from kefu.ingest.kinds import Kind, landed_columns
from kefu.ingest.land import (
    Elsewhere,
    landed_before,
    landed_elsewhere,
    landing,
    mark_of,
    name_of,
)
from kefu.ingest.mapping import (
    KindMapping,
    Match,
    empty_texts,
    header_key,
    match_headers,
    read_mapping,
)
from kefu.ingest.options import Options
from kefu.ingest.records import record_rows
from kefu.ingest.rows import ROW, FileError, Refused, apply
from kefu.ingest.values import cleaned

YAML_NAMES = (".yml", ".yaml")
JSON_NAMES = (".json", ".jsonl", ".ndjson")
VERBATIM = ("content",)
ENCODING_NAMES = {"utf-8": "UTF-8", "gb18030": "GBK/GB18030", None: ""}


@dataclass
class Outcome:
    """What became of one file."""

    path: Path
    form: str = ""
    """How it was read: xlsx, CSV with its encoding, JSON."""
    match: Match = field(default_factory=Match)
    refused: Refused = field(default_factory=Refused)
    rows: int = 0
    """Rows that landed, or would."""
    known: int = 0
    """Rows left out, as an answer that says more of them has landed."""
    landed: Path | None = None
    before: Path | None = None
    """Where the same file has landed before."""
    elsewhere: list[Elsewhere] = field(default_factory=list)
    """Where its content has landed for another shop or for other days."""


@dataclass(frozen=True)
class Job:
    """What is the same for every file of a call."""

    kind: Kind
    options: Options
    root: Path
    contract: dict[str, Table]
    dry_run: bool = False

    @property
    def mapping(self) -> KindMapping:
        """The kind's part of mapping.yml."""
        return read_mapping()[self.kind.name]


def ingest_file(job: Job, path: Path, about_to_land: Callable[[], None]) -> Outcome:
    """Ingest one file; the caller holds the ingest lock of the raw root.

    about_to_land() is called before a landing is put in its place: what must
    not be missing beside it is there however soon the process dies.

    A file without rows lands nothing, and is no error. Raises FileError if
    nothing of it can be ingested, KefuError if the landing cannot be written.
    """
    source = inspect(path)
    outcome = Outcome(path)
    mark = mark_of(job.kind, job.options, source)
    before = landed_before(job.root, job.kind, mark)
    if before and not job.options.again:
        outcome.before = before[-1]
        return outcome
    outcome.elsewhere = landed_elsewhere(job.root, job.kind, job.options, source)
    frames = _frames(job, source, outcome)
    name = name_of(job.kind, mark, source, len(before))
    columns = landed_columns(job.kind, job.contract)
    is_list = job.kind.name == refunds.LIST
    details = refunds.landed_details(job.root) if is_list else None
    with ExitStack() as stack:
        target = None
        for frame in frames:
            judged = _judge(job, frame, outcome)
            if details is not None:
                mapped = len(judged)
                judged = judged.join(details, on=refunds.VERSION, how="anti")
                outcome.known += mapped - len(judged)
            outcome.rows += len(judged)
            # No landing is opened before there is a row for it.
            if len(judged) and target is None and not job.dry_run:
                opened = landing(job.root, job.kind, columns, name, path)
                target, outcome.landed = stack.enter_context(opened)
            if target:
                target.add(judged)
        check_unchanged(source)
        if len(outcome.refused) and not outcome.rows and not outcome.known:
            raise NothingMapped(outcome)
        if target:
            about_to_land()
    return outcome


class NothingMapped(FileError):
    """Not one row of a file could be mapped: nothing landed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__("not one of its rows could be mapped")
        self.outcome = outcome


def _judge(job: Job, frame: pl.DataFrame, outcome: Outcome) -> pl.DataFrame:
    """Return the landed columns of the rows without a fault."""
    empty = empty_texts()
    frame = frame.with_columns(
        _value_of(column, empty) for column in frame.columns if column != ROW
    )
    if job.kind.name == refunds.LIST:
        refunds.check_numbering(frame, job.options)
    names = {
        column: outcome.match.sources.get(column, spellings.shown)
        for column, spellings in job.mapping.columns.items()
    }
    rules = job.kind.rules(names, job.mapping, job.options)
    return apply(rules, frame, outcome.refused)


def _value_of(column: str, empty: frozenset[str]) -> pl.Expr:
    """Return a field cleaned, or as it is where people wrote it."""
    return pl.col(column) if column in VERBATIM else cleaned(column, empty)


def _frames(job: Job, source: Source, outcome: Outcome) -> Iterator[pl.DataFrame]:
    suffix = source.path.suffix.lower()
    fields = [*dict.fromkeys([*job.mapping.columns, *job.kind.made])]
    if job.kind.flatten:
        if source.is_spreadsheet:
            raise FileError(f"it is a spreadsheet, and {job.kind.name} is read as JSON")
        outcome.form = _named("JSON", source)
        seen: dict[str, None] = {}
        yield from record_rows(
            source, job.mapping, job.kind.flatten, fields, outcome.refused, seen
        )
        _sort_names(job.mapping, seen, outcome.match)
        return
    if job.kind.name == "score" and suffix in (*YAML_NAMES, *JSON_NAMES):
        outcome.form = _named("YAML" if suffix in YAML_NAMES else "JSON", source)
        yield reports.score_entries(_score_document(source, outcome.refused))
        return
    frames = _table_frames(job, source, outcome)
    if job.kind.name == "performance":
        frames = reports.with_row_types(frames, job.mapping)
    elif job.kind.name == "score":
        frames = reports.filled_in(frames, outcome.refused)
    yield from frames


def _table_frames(job: Job, source: Source, outcome: Outcome) -> Iterator[pl.DataFrame]:
    if source.is_spreadsheet:
        outcome.form = source.path.suffix.lower().removeprefix(".")
        sheet = open_sheet(source)
        outcome.match = match_headers(job.mapping, sheet.header)
        positions = outcome.match.positions
        frames = sheet_rows(sheet, positions, outcome.refused, job.kind.percents)
    else:
        outcome.form = _named("CSV", source)
        header, has_rows = csv_header(source)
        outcome.match = match_headers(job.mapping, header)
        positions = outcome.match.positions
        frames = csv_rows(source, len(header), positions, outcome.refused)
        # The reader takes a header without a line end for half a row.
        frames = frames if has_rows else ()
    absent = [name for name in job.mapping.columns if name not in positions]
    nothing = pl.DataFrame(schema={ROW: pl.Int64} | dict.fromkeys(positions, pl.String))
    # Of a file without rows no frame comes, and its header is judged all the same.
    for frame in chain(frames, [nothing]):
        yield frame.with_columns(
            pl.lit(None, pl.String).alias(column) for column in absent
        )


def _named(form: str, source: Source) -> str:
    return f"{form}, {ENCODING_NAMES[source.encoding]}".rstrip(", ")


def _score_document(source: Source, refused: Refused) -> object:
    if source.path.suffix.lower() in JSON_NAMES:
        found = [value for _, value in documents(source, refused)]
        return found[0] if len(found) == 1 else found
    if source.encoding is None:
        raise FileError("it is neither UTF-8 nor GBK/GB18030 text: save it as UTF-8")
    try:
        return yaml.safe_load(source.path.read_text(encoding=source.encoding))
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise FileError(
            f"it cannot be read as YAML{where}: see `kefu ingest --template score`"
        ) from error


def _sort_names(mapping: KindMapping, seen: dict[str, None], match: Match) -> None:
    """Sort the fields that records had into read, ignored, personal, unknown."""
    spelled = {
        key: column
        for column, spellings in mapping.columns.items()
        for key in (*spellings.headers, *spellings.instead)
    }
    for name in seen:
        key = header_key(name)
        if key in spelled:
            match.sources.setdefault(spelled[key], name)
        elif key in mapping.ignored:
            match.ignored.append(name)
        elif any(word in key for word in mapping.personal):
            match.personal.append(name)
        else:
            match.unknown.append(name)


def ingest_files(
    job: Job,
    paths: list[Path],
    tell: Callable[[Outcome], None],
    fail: Callable,
    about_to_land: Callable[[], None],
) -> bool:
    """Ingest files one after another; return whether all of them went in.

    tell(outcome) is called for each, fail(path, error) for each that could
    not be ingested. The others go in all the same.
    """
    all_in = True
    for path in paths:
        try:
            tell(ingest_file(job, path, about_to_land))
        except FileError as error:
            all_in = False
            if isinstance(error, NothingMapped):
                tell(error.outcome)
            fail(path, error)
    return all_in
