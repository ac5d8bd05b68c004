"""One buyer's conversation, for a lead who asks what is behind a late flag.

Published tables know a buyer by buyer_key only, and hold no text. Whoever has
the key and the working database can turn one buyer_key back into the
conversation; each such look-up is written down before anything is shown.
"""

import datetime as dt
import getpass
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kefu.errors import EXIT_USAGE, KefuError, one_line
from kefu.faults import refused_write
from kefu.files import sync
from kefu.privacy_key import check_value
from kefu.run_lock import holder_of
from kefu.settings import Settings

LOG = "kefu-lookups.jsonl"
BUYER_KEY = re.compile(r"[0-9a-f]{32}")
LONGEST_REASON = 500
LATE_FLAGS = ((3_600, "60 min"), (300, "5 min"), (180, "3 min"))

BUYERS = """
select mall_id, buyer_uid
from (
    select mall_id, buyer_uid
    from intermediate.int_buyer_days
    where $mall_id is null or mall_id = $mall_id
    group by mall_id, buyer_uid
)
where left(
    sha256($key || chr(31) || mall_id || chr(31) || buyer_uid), 32
) = $buyer_key
"""

# The current version of each message, text included; see the macro
# current_versions. Who wrote it and when it was answered is the models' word.
CONVERSATION = """
with versions as (
    select * exclude (landed, unreadable_columns, reject_reason)
    from staging.base_pdd__messages
    where
        mall_id = $mall_id and buyer_uid = $buyer_uid and reject_reason is null
        and key_hash not in (
            select key_hash from staging.base_pdd__messages_duplicates
        )
    union all by name
    select * exclude (version_rank)
    from staging.base_pdd__messages_duplicates
    where mall_id = $mall_id and buyer_uid = $buyer_uid and version_rank = 1
),
told as (
    select
        versions.sent_at,
        versions.msg_id,
        coalesce(replied.sender, 'system') as sender,
        case
            when replied.sender = 'buyer' then assessed.cs_uid
            else versions.cs_uid
        end as cs_uid,
        coalesce(assessed.is_assessed, false) as is_assessed,
        coalesce(replied.asks_for_reply, false) as asks_for_reply,
        replied.replied_at,
        replied.response_ms / 1000 as response_seconds,
        versions.content
    from versions
    left join (
        select * from intermediate.int_messages_replied
        where mall_id = $mall_id and buyer_uid = $buyer_uid
    ) as replied
        using (mall_id, buyer_uid, msg_id)
    left join intermediate.int_messages_assessed as assessed
        using (mall_id, buyer_uid, msg_id)
)
select * exclude (replied_at)
from told
where
    $date is null
    or sent_at::date = $date
    -- What answers a message of the day may come on the next one.
    or sent_at between $date and (
        select max(replied_at) from told where sent_at::date = $date
    )
order by sent_at, msg_id
"""


@dataclass(frozen=True)
class Question:
    """What is looked up, and why."""

    buyer_key: str
    mall_id: str | None
    date: dt.date | None
    reason: str

    def check(self) -> None:
        """Raise KefuError for a question that cannot be asked."""
        if not BUYER_KEY.fullmatch(self.buyer_key):
            raise KefuError(
                "BUYER_KEY is 32 hexadecimal digits, as the published tables have it",
                EXIT_USAGE,
            )
        if not self.reason.strip():
            raise KefuError("--reason is empty: say what for", EXIT_USAGE)
        if len(self.reason) > LONGEST_REASON:
            raise KefuError(
                f"--reason has more than {LONGEST_REASON} characters: say it shorter",
                EXIT_USAGE,
            )


@dataclass(frozen=True)
class Message:
    """One message as it is shown; times are local, durations seconds."""

    sent_at: dt.datetime
    msg_id: str
    sender: str
    cs_uid: str | None
    """Who sent it; of a buyer's message, who is responsible for it."""
    is_assessed: bool
    asks_for_reply: bool
    response_seconds: float | None
    content: str | None

    @property
    def flags(self) -> str:
        """Return what the figures make of a buyer's message."""
        if self.sender != "buyer" or not self.asks_for_reply:
            return ""
        seconds = self.response_seconds
        answer = "no answer" if seconds is None else f"answered after {seconds:,.0f} s"
        if not self.is_assessed:
            return f"{answer}, not assessed"
        late = next(
            (told for limit, told in LATE_FLAGS if seconds is None or seconds > limit),
            None,
        )
        return f"{answer}, LATE by {late}" if late else answer

    @property
    def text(self) -> str:
        """Return the text on one line, without what would steer a terminal."""
        line = " ".join((self.content or "").split())
        return "".join(sign if sign.isprintable() else "\ufffd" for sign in line)


@dataclass(frozen=True)
class Conversation:
    """What was found of a buyer."""

    mall_id: str
    messages: list[Message]


def look_up(settings: Settings, question: Question) -> Conversation:
    """Find a buyer's conversation, and write down that somebody looked.

    Raises KefuError without the key, with another than the working database's,
    if there is no such buyer, or if the log cannot be written; whatever the
    outcome of the search, it is in the log before this returns or raises.
    """
    question.check()
    if not os.environ.get("KEFU_BUYER_KEY"):
        raise KefuError(
            "a look-up needs the secret behind buyer_key: set KEFU_BUYER_KEY"
        )
    if not settings.database.is_file():
        raise KefuError(
            f"there is no working database {settings.database}, and only there are"
            " conversations: build it with `kefu run`"
        )
    try:
        with duckdb.connect(str(settings.database), read_only=True) as connection:
            _check_key(connection, settings)
            found = _find(connection, settings, question)
    except duckdb.Error as error:
        raise _told(error, settings.database) from None
    write_down(settings, question, found)
    if found is None:
        where = f" of mall {one_line(question.mall_id, 60)}" if question.mall_id else ""
        raise KefuError(
            f"no buyer{where} has this buyer_key: take it from the published file that"
            " was built from this working database"
        )
    return found


def _check_key(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    try:
        row = connection.execute("select check_value from meta.buyer_key").fetchone()
    except duckdb.CatalogException:
        row = None
    if row is None or row[0] != check_value(settings.buyer_key):
        raise KefuError(
            "KEFU_BUYER_KEY is not the key that the working database was built with:"
            " set that one, or run with this one first"
        )


def _find(
    connection: duckdb.DuckDBPyConnection, settings: Settings, question: Question
) -> Conversation | None:
    wanted = {
        "key": settings.buyer_key,
        "buyer_key": question.buyer_key,
        "mall_id": question.mall_id,
    }
    buyer = connection.execute(BUYERS, wanted).fetchone()
    if buyer is None:
        return None
    mall_id, buyer_uid = buyer
    rows = connection.execute(
        CONVERSATION,
        {"mall_id": mall_id, "buyer_uid": buyer_uid, "date": question.date},
    ).fetchall()
    return Conversation(mall_id, [Message(*row) for row in rows])


def _told(error: duckdb.Error, database: Path) -> KefuError:
    """Return what to say of a failure, without a landed value."""
    if isinstance(error, duckdb.IOException) and "lock" in str(error).lower():
        holder = holder_of(database) or "another program"
        return KefuError(f"{database} is in use by {holder}: wait for its end")
    return KefuError(
        f"the working database {database} cannot be asked ({type(error).__name__}):"
        " finish it with `kefu run`"
    )


def write_down(
    settings: Settings, question: Question, found: Conversation | None
) -> None:
    """Add a line to the log beside the working database and have it on disk.

    Raises KefuError if that cannot be done: then nothing is shown.
    """
    entry = {
        "at": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "by": getpass.getuser(),
        "uid": os.getuid() if hasattr(os, "getuid") else None,
        "machine": socket.gethostname(),
        "buyer_key": question.buyer_key,
        "mall_id": found.mall_id if found else question.mall_id,
        "date": question.date.isoformat() if question.date else None,
        "reason": one_line(question.reason, LONGEST_REASON),
        "messages": len(found.messages) if found else 0,
    }
    path = settings.database.with_name(LOG)
    # A line that somebody's death cut short must not swallow this one.
    line = f"\n{json.dumps(entry, ensure_ascii=False)}\n".encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.write(descriptor, line) != len(line):
                raise KefuError(f"{path} cannot be written whole: nothing is shown")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync(path.parent)
    except OSError as error:
        said = refused_write(error) or f"{path} cannot be written ({error.strerror})"
        raise KefuError(f"{said}; without the log nothing is shown") from error


def look_ups(settings: Settings) -> list[dict]:
    """Return the entries of the log; lines that were cut short are left out."""
    path = settings.database.with_name(LOG)
    if not path.exists():
        return []
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def lines(found: Conversation) -> Iterator[str]:
    """Return a conversation as lines for a screen, oldest first."""
    yield f"mall {found.mall_id}, {len(found.messages):,} messages"
    for message in found.messages:
        who = message.sender + (f" {message.cs_uid}" if message.cs_uid else "")
        if message.sender == "buyer" and message.cs_uid:
            who = f"buyer (for {message.cs_uid})"
        flags = f"  [{message.flags}]" if message.flags else ""
        at = message.sent_at.isoformat(" ", "seconds")
        yield f"{at}  {who}{flags}  {message.text}".rstrip()
