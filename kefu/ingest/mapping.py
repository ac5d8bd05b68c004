"""Which header means which column: mapping.yml, read and applied.

The file is the only place where the platform's names are written. What it
does not know is said and left out; nothing is guessed.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from kefu.errors import KefuError
from kefu.ingest.rows import FileError

MAPPING_FILE = Path(__file__).with_name("mapping.yml")


def header_key(text: str) -> str:
    """Return the form in which headers are compared.

    Full-width signs count as their plain twins; space and case do not count.
    """
    plain = unicodedata.normalize("NFKC", text.replace("\ufeff", ""))
    return "".join(plain.split()).casefold()


@dataclass(frozen=True)
class Spellings:
    """The headers of one column, in their compared form."""

    headers: tuple[str, ...]
    instead: tuple[str, ...]
    shown: str
    """The first spelling as it is written, for messages."""
    required: bool


@dataclass(frozen=True)
class KindMapping:
    """The part of mapping.yml that is about one kind."""

    kind: str
    columns: dict[str, Spellings]
    ignored: frozenset[str]
    personal: tuple[str, ...]
    extra: dict
    """What else the kind's part says: tables of states, paths of records."""


@dataclass
class Match:
    """What became of a file's headers."""

    sources: dict[str, str] = field(default_factory=dict)
    """Column -> the header that gives it, as the file has it."""
    positions: dict[str, int] = field(default_factory=dict)
    """Column -> place of that header in the file, from 0."""
    ignored: list[str] = field(default_factory=list)
    personal: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unnamed: int = 0
    """Columns without a header."""
    absent: list[str] = field(default_factory=list)
    """Columns that no header gives, by their usual spelling."""


@cache
def read_mapping() -> dict[str, KindMapping]:
    """Return the mapping of every kind.

    Raises KefuError if the file cannot be read, if a spelling stands for two
    columns of a kind, or if a personal word would be landed.
    """
    return parse_mapping(MAPPING_FILE.read_text(encoding="utf-8"))


@cache
def empty_texts() -> frozenset[str]:
    """Return the texts that mean nothing, as the mapping lists them."""
    return frozenset(_document(MAPPING_FILE.read_text(encoding="utf-8"))["empty"])


def parse_mapping(text: str) -> dict[str, KindMapping]:
    """Return the mapping of every kind from the text of a mapping file."""
    return {
        kind: _kind(kind, part)
        for kind, part in _document(text).items()
        if kind != "empty"
    }


def _document(text: str) -> dict:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise KefuError(
            f"{MAPPING_FILE.name} cannot be read as YAML: restore the file, or mend"
            f" what {type(error).__name__} points at"
        ) from error
    if not isinstance(document, dict):
        raise KefuError(f"{MAPPING_FILE.name} holds no mapping: restore the file")
    return document


def _kind(kind: str, part: dict) -> KindMapping:
    try:
        columns = {
            column: Spellings(
                headers=tuple(header_key(name) for name in entry["headers"]),
                instead=tuple(header_key(name) for name in entry.get("instead", ())),
                shown=entry["headers"][0],
                required=entry.get("required", False),
            )
            for column, entry in part["columns"].items()
        }
        known = {"columns", "ignored", "personal"}
        mapping = KindMapping(
            kind=kind,
            columns=columns,
            ignored=frozenset(header_key(name) for name in part["ignored"]),
            personal=tuple(header_key(word) for word in part["personal"]),
            extra={name: value for name, value in part.items() if name not in known},
        )
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise KefuError(
            f"{MAPPING_FILE.name}: the part {kind} is not as the head of the file"
            f" describes it ({type(error).__name__}): restore it"
        ) from error
    _check(mapping)
    return mapping


def _check(mapping: KindMapping) -> None:
    """Raise KefuError where a spelling is ambiguous or personal."""
    headers, stand_ins = (
        [
            (header, column)
            for column, spellings in mapping.columns.items()
            for header in getattr(spellings, part)
        ]
        for part in ("headers", "instead")
    )
    for header, column in headers + stand_ins:
        if any(word in header for word in mapping.personal):
            raise KefuError(
                f"{MAPPING_FILE.name}: in {mapping.kind} the header {header} of"
                f" {column} is personal and must not land: take it out"
            )
    _check_one_meaning(mapping, headers)
    if "records" in mapping.extra:
        # A field of a record can serve its own column and stand in for another.
        _check_one_meaning(mapping, stand_ins)
    else:
        _check_one_meaning(mapping, headers + stand_ins)


def _check_one_meaning(mapping: KindMapping, spelled: list[tuple[str, str]]) -> None:
    meant: dict[str, str] = {}
    for header, column in spelled:
        if header in meant:
            raise KefuError(
                f"{MAPPING_FILE.name}: in {mapping.kind} the header {header} stands"
                f" for both {meant[header]} and {column}: keep one"
            )
        meant[header] = column


def match_headers(mapping: KindMapping, headers: Iterable[str]) -> Match:
    """Match the headers of a file against a kind's spellings.

    Raises FileError if two headers give one column, if a required one is
    missing, or if none is known (then no header is shown: the line may be a
    row of data).
    """
    found = Match()
    keys = [header_key(header) for header in headers]
    shown = [" ".join(header.replace("\ufeff", "").split()) for header in headers]
    present = set(keys)
    wanted: dict[str, str] = {}
    for column, spellings in mapping.columns.items():
        serving = spellings.headers
        if not present & set(serving):
            serving = spellings.instead
        wanted |= {header: column for header in serving if header not in wanted}
    for position, key in enumerate(keys):
        if not key:
            found.unnamed += 1
        elif key in wanted:
            _give(mapping, found, wanted[key], shown[position], position)
        elif key in mapping.ignored or _is_instead(mapping, key):
            found.ignored.append(shown[position])
        elif any(word in key for word in mapping.personal):
            found.personal.append(shown[position])
        else:
            found.unknown.append(shown[position])
    _require(mapping, found)
    return found


def _give(
    mapping: KindMapping, found: Match, column: str, header: str, position: int
) -> None:
    if column in found.sources:
        raise FileError(
            f"the headers {found.sources[column]} and {header} are both {column}:"
            " take one of the two columns out of the file"
        )
    found.sources[column] = header
    found.positions[column] = position


def _is_instead(mapping: KindMapping, key: str) -> bool:
    return any(key in spellings.instead for spellings in mapping.columns.values())


def _require(mapping: KindMapping, found: Match) -> None:
    if not found.sources:
        raise FileError(
            f"its first line has no header of the kind {mapping.kind}: see whether"
            " the kind is right, and whether the first line holds the headers"
        )
    missing = [
        spellings.shown
        for column, spellings in mapping.columns.items()
        if spellings.required and column not in found.sources
    ]
    if missing:
        unknown = f"; not understood: {', '.join(found.unknown)}" * bool(found.unknown)
        raise FileError(
            f"it has no column {', '.join(missing)}, which {mapping.kind} needs"
            f"{unknown}: export it again with all columns, or add the new name to"
            f" {MAPPING_FILE.name}"
        )
    found.absent = [
        spellings.shown
        for column, spellings in mapping.columns.items()
        if column not in found.sources
    ]
