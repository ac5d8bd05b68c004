"""What may be said of an error: never a value that was landed.

Readers quote the row they stumble over, and a row holds buyer ids and chat
text. So what is shown is made of our own words and of numbers; the rest of the
reader's message is dropped, not searched for secrets.
"""

import codecs
import csv
import errno
import gzip
import json
import os
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
    (r"reached an invalid state", r"its lines do not all end alike, in \n or \r\n"),
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

LONGEST_FIELD = (1 << 31) - 1
DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_WRITABLE = {errno.EROFS, errno.EACCES, errno.EPERM}
# DuckDB words a failed write itself, and ends it with the system's text.
FILE_NOT_WRITTEN = re.compile(
    r'(write|truncate|sync|open)\w*( to)? file \\?"(?P<path>[^"\\]+)'
    rf".*?(?P<cause>{'|'.join(os.strerror(number) for number in DISK_FULL)})",
    re.DOTALL,
)
# What the macro refuse_future_loads ends a build with.
REFUSED_LANDING = re.compile(r"Error: refused: (?P<said>.+? is wrong, correct it)")
NO_MEMORY = re.compile(r"Out of Memory Error|failed to allocate|bad_alloc")
NO_TEMPORARY_SPACE = re.compile(r"failed to offload|max_temp_directory_size")


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


def refused_write(error: OSError) -> str | None:
    """Return why a file cannot be written and the way out.

    None where the error is of another kind, and may well be a fault of ours.
    """
    file = error.filename or "a file"
    if error.errno in DISK_FULL:
        return _full_disk(file, error.strerror)
    if error.errno in NOT_WRITABLE:
        return (
            f"{file} cannot be written ({error.strerror}): make its folder"
            " writable, or choose another path"
        )
    return None


def refused_landing(error: object) -> str | None:
    """Return what a build says of rows from the future; None if it does not.

    The name of their file and the newest time are all that it holds.
    """
    found = REFUSED_LANDING.search(str(error))
    return found["said"] if found else None


def exhausted(error: object) -> str | None:
    """Return which resource a message of DuckDB says has run out, and what to do.

    None where the message says nothing of the kind.
    """
    text = str(error)
    unwritten = FILE_NOT_WRITTEN.search(text)
    if unwritten:
        return _full_disk(unwritten["path"], unwritten["cause"])
    if NO_TEMPORARY_SPACE.search(text):
        return (
            "neither memory nor the disk of the temporary folder (<KEFU_DATABASE>.tmp)"
            " has room for it: make room there, set KEFU_DATABASE to a path on a"
            " larger disk, or raise KEFU_MEMORY_LIMIT"
        )
    if NO_MEMORY.search(text):
        limit = os.environ.get("KEFU_MEMORY_LIMIT")
        now = f"is {limit}" if limit else "is not set: the profile's limit holds"
        return (
            f"it is out of memory: raise KEFU_MEMORY_LIMIT (it {now}), as far as the"
            " machine allows, or build with fewer threads in the profile"
        )
    return None


def _full_disk(file: object, cause: str) -> str:
    return (
        f"{file} cannot be written, its disk is full or a limit is reached"
        f" ({cause}): make room there, or choose a path on another disk"
    )


def csv_fault(path: Path, is_gzip: bool, width: int | None, error: Exception) -> str:
    """Return which line of a CSV file is at fault and in what way.

    DuckDB counts records; whoever opens the file in an editor needs the line.
    """
    try:
        with _opened(path, is_gzip) as content:
            for number, line in enumerate(content, start=1):
                if not _is_utf8(line):
                    return f"line {number} {_encoding_fault(line)}"
        opener = gzip.open if is_gzip else open
        # Else a long text would pass for a quote in a wrong place.
        csv.field_size_limit(LONGEST_FIELD)
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
                if line.strip() and not _is_utf8(line):
                    return f"line {number} {_encoding_fault(line)}"
                if number == 1 and line.startswith(codecs.BOM_UTF8):
                    return "it begins with a byte order mark: save it without one"
                if line.strip() and not _is_object(line):
                    return f"line {number} is no JSON object"
                if _has_half_character(line):
                    return f"line {number} has half a character, as of a cut emoji"
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


def _encoding_fault(line: bytes) -> str:
    """Return what a line that is not UTF-8 seems to be, and how to mend it.

    It is a guess, so it is said and never acted on: bytes of one encoding
    often have a meaning in another, and the wrong one would be silent.
    """
    has_mark = line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if has_mark and b"\0" in line:
        return _not_utf8("UTF-16")
    if _looks_like_gbk(line):
        return _not_utf8("GBK", "GB18030")
    return "is not UTF-8 text"


def _not_utf8(looks: str, name: str | None = None) -> str:
    name = name or looks
    return (
        f"is not UTF-8 text, it looks like {looks}: convert it, as in"
        f" iconv -f {name} -t UTF-8 OLD > NEW"
    )


def _looks_like_gbk(line: bytes) -> bool:
    """Whether most of what is not ASCII are common Chinese characters in GBK.

    A damaged line of UTF-8 can be read as GBK too, as rare characters mostly;
    but then most of it is sound UTF-8.
    """
    as_utf8 = line.decode("utf-8", "replace")
    sound = sum(not sign.isascii() and sign != "\ufffd" for sign in as_utf8)
    if sound > as_utf8.count("\ufffd"):
        return False
    try:
        signs = [sign for sign in line.decode("gb18030") if not sign.isascii()]
    except UnicodeDecodeError:
        return False
    common = sum(bool(sign.encode("gb2312", "ignore")) for sign in signs)
    return common * 2 > len(signs)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode("utf-8")), dict)
    except (ValueError, RecursionError):
        return False


def _has_half_character(line: bytes) -> bool:
    r"""Whether a JSON line escapes one half of a pair alone, such as \ud83d."""
    if b"\\u" not in line:
        return False
    try:
        json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
