"""What may be said of an error: never a value that was landed.

Readers quote the row they stumble over, and a row holds buyer ids and chat
text. So what is shown is made of our own words and of numbers; the rest of the
reader's message is dropped, not searched for secrets.
"""

import csv
import gzip
import json
import re
import zlib
from pathlib import Path
from typing import BinaryIO

from kefu.errors import one_line

# Told in the order in which they are tried; what none of them fits is called
# by the kind of its exception.
KNOWN = (
    (r".*Expected Number of Columns: (\d+) Found: (\d+)", "{1} fields, not {0}"),
    (r"unterminated quote", "a quote is opened and never closed"),
    (r"not utf-8 encoded|not valid UTF8|invalid UTF-8", "it is not UTF-8 text"),
    (r"Maximum line size", "a line is too long"),
    (r"end of GZIP stream|gzip|GZIP", "its gzip data is broken"),
    (r"No magic bytes|too small to be a Parquet", "it is no Parquet file"),
    (r"(\w+ )?[Dd]ecompress", "a data page cannot be unpacked"),
    (r"TProtocolException|footer|metadata", "its metadata is broken"),
    (r"Permission denied", "permission denied"),
    (r"No such file|No files found", "it is not there any more"),
)
ROW = re.compile(r"CSV Error on Line: (\d+)")

# Messages of DuckDB that quote values, and what is shown in their place.
QUOTING = (
    (r"Conversion Error: .*", "a value cannot be converted"),
    (r"Could not (parse|convert|cast) .*", "a value cannot be converted"),
    (r"Out of Range Error: .*", "a number is too large"),
    (r"Duplicate key .*", "a key stands twice"),
    (r"(CSV Error|JSON transform error|Malformed JSON).*", "a row cannot be read"),
    (r"Invalid string encoding.*", "a text is not UTF-8"),
)


def fault(error: object) -> str:
    """Return what is wrong with a file, from the exception of its reader."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, (EOFError, zlib.error, gzip.BadGzipFile)):
        return "its gzip data is broken"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, (str, csv.Error)):
        return one_line(error, limit=240)
    text = str(error)
    row = ROW.search(text)
    where = f"record {row.group(1)}: " if row else ""
    for pattern, said in KNOWN:
        match = re.search(pattern, text, re.DOTALL)
        if match:
            return where + said.format(*match.groups())
    return f"{where}{type(error).__name__}"


def without_values(text: str) -> str:
    """Return a message of DuckDB, on one line, without the values it quotes."""
    for pattern, said in QUOTING:
        text = re.sub(pattern, said, text, flags=re.DOTALL)
    return text


def csv_fault(path: Path, is_gzip: bool, width: int | None, error: Exception) -> str:
    """Return which line of a CSV file is at fault and in what way.

    DuckDB counts records; whoever opens the file in an editor needs the line.
    """
    try:
        with _opened(path, is_gzip) as content:
            for number, line in enumerate(content, start=1):
                if not _is_utf8(line):
                    return f"line {number} is not UTF-8 text"
        opener = gzip.open if is_gzip else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
            reader, begins = csv.reader(lines, strict=True), 1
            try:
                for fields in reader:
                    width = width or len(fields)
                    if fields and len(fields) != width:
                        return f"line {begins} has {len(fields)} fields, not {width}"
                    begins = reader.line_num + 1
            except csv.Error:
                return f"line {begins} has a quote in a wrong place"
    except (OSError, EOFError, zlib.error) as unreadable:
        return fault(unreadable)
    return fault(error)


def json_fault(path: Path, is_gzip: bool, error: object) -> str:
    """Return which line of a JSON file is no object."""
    try:
        with _opened(path, is_gzip) as content:
            for number, line in enumerate(content, start=1):
                if line.strip() and not _is_object(line):
                    return f"line {number} is no JSON object"
    except (OSError, EOFError, zlib.error) as unreadable:
        return fault(unreadable)
    return fault(error)


def _opened(path: Path, is_gzip: bool) -> BinaryIO:
    return gzip.open(path, "rb") if is_gzip else path.open("rb")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode("utf-8")), dict)
    except (ValueError, RecursionError):
        return False
