"""Landed files: reading, typing, rejecting, versions and the books.

Inside this package a time is an integer: milliseconds of the local clock
since 1970-01-01 00:00:00 (local).  A day is an integer too: days since
1970-01-01.  Both turn into datetime and date only when rows are handed out.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

import duckdb
import pyarrow.parquet

SECOND = 1_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
LOCAL_OFFSET = 8 * HOUR
LOCAL = timezone(timedelta(milliseconds=LOCAL_OFFSET))
EPOCH = date(1970, 1, 1)
FIRST_DAY = (date(2015, 9, 1) - EPOCH).days
FIRST_MOMENT = FIRST_DAY * DAY
# The first Unix time, in milliseconds, that no `YYYY-MM-DD` can tell.
YEAR_10000 = ((date.max - EPOCH).days + 1) * DAY - LOCAL_OFFSET
SEPARATOR = "\x1f"
TRILLION = Decimal(10) ** 12
LIABILITIES = ("merchant", "buyer", "platform", "none")


class RawError(Exception):
    """The landing cannot be read at all: the run has to stop."""


@dataclass(frozen=True)
class Contract:
    """What one raw table looks like; a column marked * is required."""

    columns: dict[str, str]
    key: tuple[str, ...]
    nullable_key: tuple[str, ...] = ()
    newest: str | None = None
    event: str | None = None

    @property
    def kinds(self):
        return {name: kind.rstrip("*") for name, kind in self.columns.items()}

    @property
    def required(self):
        return [n for n, kind in self.columns.items() if kind.endswith("*")]


def _columns(text):
    return dict(part.split(":") for part in text.split())


CONTRACTS = {
    "messages": Contract(
        _columns(
            "mall_id:text* msg_id:text* buyer_uid:text* from_role:text* "
            "cs_uid:text* assigned_cs_uid:text type:int template_name:text "
            "content:verbatim ts:time* need_reply:bool is_spam:bool "
            "order_sn:text problem_code:text"
        ),
        key=("mall_id", "msg_id"),
        event="ts",
    ),
    "orders": Contract(
        _columns(
            "mall_id:text* order_sn:text* buyer_uid:text* "
            "created_time:time* pay_time:time* confirm_time:time* "
            "shipping_time:time receive_time:time updated_at:time* "
            "order_status:int group_status:int* confirm_status:int* "
            "refund_status:int after_sales_status:int "
            "risk_control_status:int is_lucky_flag:int goods_id:text "
            "goods_count:int* goods_amount:money discount_amount:money "
            "postage:money pay_amount:money*"
        ),
        key=("order_sn",),
        newest="updated_at",
        event="created_time",
    ),
    "refunds": Contract(
        _columns(
            "mall_id:text* id:text* order_sn:text* buyer_uid:text "
            "after_sales_type:int after_sales_status:int* "
            "after_sale_reason:text problem_code:text created_time:time* "
            "recreated_at:time updated_time:time* refund_success_time:time "
            "refund_amount:money* dispute_refund_status:int "
            "join_or_not:int liability:text sign_time:time"
        ),
        key=("id",),
        newest="updated_time",
        event="created_time",
    ),
    "complaints": Contract(
        _columns(
            "complaint_id:text* mall_id:text* buyer_uid:text* order_sn:text "
            "cs_uid:text channel:text* problem_code:text created_time:time* "
            "is_valid:bool liability:text"
        ),
        key=("complaint_id",),
        event="created_time",
    ),
    "malls": Contract(
        _columns(
            "mall_id:text* mall_name:text merchant_type:int "
            "category_name:text* opened_on:date"
        ),
        key=("mall_id",),
    ),
    "agents": Contract(
        _columns(
            "mall_id:text* cs_uid:text* cs_name:text agent_role:text "
            "is_robot:bool valid_from:date valid_to:date"
        ),
        key=("mall_id", "cs_uid", "valid_from"),
        nullable_key=("valid_from",),
    ),
    "agent_shifts": Contract(
        _columns(
            "mall_id:text* cs_uid:text* shift_name:text* start_at:time* end_at:time*"
        ),
        key=("mall_id", "cs_uid", "start_at"),
    ),
    "ratings": Contract(
        _columns(
            "rating_id:text* mall_id:text* buyer_uid:text cs_uid:text "
            "order_sn:text score:number* created_time:time*"
        ),
        key=("rating_id",),
        event="created_time",
    ),
    "quality_reviews": Contract(
        _columns(
            "review_id:text* mall_id:text* cs_uid:text* buyer_uid:text "
            "service_date:date* problem_solving:number communication:number "
            "professionalism:number after_sales:number"
        ),
        key=("review_id",),
        event="service_date",
    ),
    "excluded_buyers": Contract(
        _columns("mall_id:text buyer_uid:text* valid_from:date valid_to:date"),
        key=("mall_id", "buyer_uid", "valid_from"),
        nullable_key=("mall_id", "valid_from"),
    ),
    "official_agent_kpi": Contract(
        _columns(
            "mall_id:text* period_start:date* period_end:date* row_type:text* "
            "cs_account:text service_score:finite consult_buyers:int "
            "inquiry_buyers:int inquiry_lost_buyers:int final_group_buyers:int "
            "need_human_buyers:int received_buyers:int late_buyers_3min:int "
            "rating_count:int low_rating_count:int dispute_refund_count:int "
            "complaint_count:int sales_amount:money net_sales_amount:money "
            "improvable_sales_amount:money inquiry_conversion_rate:share "
            "reply_rate_3min:share reply_rate_3min_all_day:share "
            "reply_rate_30s:share reply_rate_30s_all_day:share "
            "low_rating_rate:share avg_response_seconds:finite "
            "avg_response_printed:text"
        ),
        key=("mall_id", "period_start", "period_end", "row_type", "cs_account"),
        nullable_key=("cs_account",),
        event="period_end",
    ),
    "official_experience_score": Contract(
        _columns(
            "mall_id:text* as_of_date:date* measure:text* name:text value:finite*"
        ),
        key=("mall_id", "as_of_date", "measure", "name"),
        nullable_key=("name",),
        event="as_of_date",
    ),
}
# What the platform says of a shop makes it no shop of ours.
OFFICIAL = ("official_agent_kpi", "official_experience_score")
MEASURES = (
    *("experience_score", "peer_rank", "change_7d", "module_score"),
    *("platform_help_rate", "problem_help_orders", "problem_share"),
)
SHARES = ("peer_rank", "platform_help_rate", "problem_share")


# --- reading: every value becomes the text as landed, or None ---


def as_text(value, zone=LOCAL):
    """The text of a landed value; a float that is whole reads as an integer.

    A moment with a zone is told in `zone`: the contract's texts are local,
    only `_loaded_at` is UTC.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _read_parquet(path):
    table = pyarrow.parquet.ParquetFile(path).read()
    return table.column_names, table.to_pylist()


def _opened(path):
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", newline="")


def _reader(path):
    name = path.name.removesuffix(".gz")
    return READERS.get(Path(name).suffix)


def _read_csv(path):
    with _opened(path) as handle:
        rows = csv.DictReader(handle)
        return list(rows.fieldnames or []), list(rows)


def _json_number(literal):
    number = float(literal)
    return str(int(number)) if number.is_integer() else literal


def _read_json_lines(path):
    rows = []
    with _opened(path) as handle:
        for line in handle:
            if line.strip():
                rows.append(json.loads(line, parse_float=_json_number))
    return list({name: None for row in rows for name in row}), rows


READERS = {
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json_lines,
}


def landed_rows(raw_root, table):
    """All rows of one table, as text, each with the load date of its folder."""
    raw_root = Path(raw_root)
    contract = CONTRACTS[table]
    rows = []
    if raw_root.is_file():
        return _attached_rows(raw_root, table)
    for folder in sorted((raw_root / table).glob("load_date=*")):
        load_day = day_number(folder.name.removeprefix("load_date="))
        for path in sorted(folder.iterdir()):
            reader = _reader(path)
            if reader is None:
                continue
            names, records = reader(path)
            # JSON lines without a row say nothing about their columns.
            if records or reader is not _read_json_lines:
                missing = {*contract.required, "_loaded_at"} - set(names)
                if missing:
                    raise RawError(f"{table}: no {sorted(missing)} in {path}")
            for record in records:
                rows.append(_landed(contract, record, load_day))
    return rows


def _attached_rows(database, table):
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        known = connection.execute(
            "select 1 from information_schema.tables "
            "where table_schema = 'main' and table_name = ?",
            [table],
        ).fetchall()
        if not known:
            return []
        cursor = connection.execute(f'select * from main."{table}"')
        names = [column[0] for column in cursor.description]
        records = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    rows = []
    for record in records:
        row = _landed(CONTRACTS[table], record, 0)
        loaded_at = moment_microseconds(row["_loaded_at"])
        if loaded_at is not None:
            row["load_date"] = loaded_at // (DAY * 1000)
        rows.append(row)
    return rows


def _landed(contract, record, load_day):
    row = {name: as_text(record.get(name)) for name in contract.columns}
    row["_loaded_at"] = as_text(record.get("_loaded_at"), UTC)
    row["load_date"] = load_day
    return row


# --- typing ---

_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})([ T])"
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r" ?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_INTEGER = re.compile(r"([+-]?[0-9]+)(?:\.0+)?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_UNSET = ("", "0000-00-00 00:00:00", "0000-00-00")
_TRUE = ("true", "t", "yes", "1")
_FALSE = ("false", "f", "no", "0")


def trimmed(text):
    """Padding off; what is then empty is null."""
    if text is None:
        return None
    return text.strip(" \t\r\n") or None


def day_number(text):
    try:
        return (date.fromisoformat(text) - EPOCH).days
    except ValueError:
        return None


def _microseconds(text, zone_offset):
    """Microseconds since the epoch in UTC; zoneless text is at zone_offset."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    *numbers, _, hour, minute, second, fraction, zone = match.groups()
    numbers += [hour, minute, second]
    try:
        moment = datetime(*map(int, numbers), tzinfo=UTC)
    except ValueError:
        return None
    value = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    value = value * 1_000_000 + int((fraction or "").ljust(6, "0")[:6])
    if zone is None:
        return value - zone_offset * 1_000
    if zone == "Z":
        return value
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return value - (offset if zone[0] == "+" else -offset) * 1_000_000


def _unix_microseconds(text):
    """Of digits only; what has no year of four digits in local time has none."""
    digits = text.lstrip("0") or "0"
    if not re.fullmatch("[0-9]+", text) or len(digits) > len(str(YEAR_10000)):
        return None
    number = int(digits)
    milliseconds = number * 1_000 if number < 10**11 else number
    return None if milliseconds >= YEAR_10000 else milliseconds * 1_000


def _local_microseconds(text):
    """Of the one form that the contract gives: no T and no zone."""
    match = _MOMENT.fullmatch(text)
    if match is None or match.group(4) == "T" or match.group(9):
        return None
    return _microseconds(text, LOCAL_OFFSET)


def moment_microseconds(text):
    """`_loaded_at`: UTC unless it names a zone."""
    text = trimmed(text)
    if text is None or text in _UNSET:
        return None
    unix = _unix_microseconds(text)
    return unix if unix is not None else _microseconds(text, 0)


def to_time(text):
    text = trimmed(text)
    if text is None or text in _UNSET:
        return None
    found = _unix_microseconds(text)
    if found is None:
        found = _local_microseconds(text)
    return None if found is None else found // 1_000 + LOCAL_OFFSET


def to_date(text):
    """A day, or the day of a local time: what follows the day is cut."""
    text = trimmed(text) or ""
    if len(text) > 10 and _local_microseconds(text) is None:
        return None
    return day_number(text[:10]) if re.fullmatch(_DAY, text[:10]) else None


def to_number(text):
    text = trimmed(text)
    if text is None or not _DECIMAL.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def to_finite(text):
    number = to_number(text)
    return None if number is None or math.isinf(float(number)) else number


def to_share(text):
    number = to_finite(text)
    return number if number is not None and 0 <= number <= 1 else None


def to_int(text):
    match = _INTEGER.fullmatch(trimmed(text) or "")
    if match is None or not -(2**31) <= int(match.group(1)) < 2**31:
        return None
    return int(match.group(1))


def to_money(text):
    number = to_number(text)
    if number is None or abs(number) >= TRILLION:
        return None
    return number.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def to_bool(text):
    text = (trimmed(text) or "").lower()
    return True if text in _TRUE else False if text in _FALSE else None


TYPERS = {
    "text": trimmed,
    "verbatim": lambda text: text or None,
    "int": to_int,
    "number": to_number,
    "finite": to_finite,
    "share": to_share,
    "money": to_money,
    "bool": to_bool,
    "time": to_time,
    "date": to_date,
}


def typed(contract, landed):
    row = {name: TYPERS[kind](landed[name]) for name, kind in contract.kinds.items()}
    if "row_type" in row and row["row_type"] != "agent":
        row["cs_account"] = None
    if row.get("measure") in SHARES:
        row["value"] = to_share(landed["value"])
    row["_loaded_at"] = moment_microseconds(landed["_loaded_at"])
    row["load_date"] = landed["load_date"]
    return row


def text_form(contract, row):
    """The last resort between versions: the typed row as one text."""
    parts = []
    for name, kind in contract.kinds.items():
        value = row[name]
        if value is None:
            parts.append("")
        elif kind == "time":
            parts.append(str(value - LOCAL_OFFSET))
        elif kind == "date":
            parts.append(str(EPOCH + timedelta(days=value)))
        elif kind == "bool":
            parts.append("true" if value else "false")
        elif kind in ("number", "finite", "share"):
            parts.append(repr(float(value)))
        else:
            parts.append(str(value))
    return SEPARATOR.join(parts)


# --- rejecting ---


def reject_reason(table, landed, row):
    """The first reason, in the order of the contract's last section."""
    contract = CONTRACTS[table]
    for column in contract.key:
        # A shift without a start that can be read lacks its event time.
        may_be_null = (*contract.nullable_key, "start_at")
        if row[column] is None and column not in may_be_null:
            return f"{column} is null"
    if row["_loaded_at"] is None:
        return "_loaded_at is null"
    if table != "excluded_buyers" and row["mall_id"] is None:
        return "mall_id is null"
    if table in ("messages", "complaints") and row["buyer_uid"] is None:
        return "buyer_uid is null"
    if table == "agent_shifts":
        if row["start_at"] is None or row["end_at"] is None:
            return "shift without a time"
        if row["end_at"] <= row["start_at"]:
            return "shift ends before it starts"
    if contract.event:
        event = row[contract.event]
        if event is None:
            return "no event time"
        if contract.kinds[contract.event] == "date":
            event *= DAY
        loaded_local = row["_loaded_at"] + LOCAL_OFFSET * 1_000
        if event * 1_000 > loaded_local + DAY * 1_000:
            return "event in the future"
        if event < FIRST_MOMENT:
            return "event before the platform"
    return _value_reason(table, landed, row)


def _value_reason(table, landed, row):
    if table == "official_agent_kpi":
        if row["row_type"] not in ("mall_total", "mall_average", "agent"):
            return "row_type outside its list"
        if row["row_type"] == "agent" and row["cs_account"] is None:
            return "agent without an account"
        if row["period_start"] > row["period_end"]:
            return "period ends before it starts"
    if table == "official_experience_score":
        if row["measure"] not in MEASURES:
            return "measure outside its list"
        if row["value"] is None:
            return "value cannot be read"
    roles = ("user", "mall_cs", "system")
    if table == "messages" and row["from_role"] not in roles:
        return "from_role outside its list"
    channels = ("platform_online_cs", "platform_hotline", "complaint")
    if table == "complaints" and row["channel"] not in channels:
        return "channel outside its list"
    if table == "ratings" and row["score"] not in (1, 2, 3, 4, 5):
        return "score outside its list"
    if row.get("liability") not in (None, *LIABILITIES):
        return "liability outside its list"
    if table == "quality_reviews":
        for item in REVIEW_ITEMS:
            if row[item] is not None and not 1 <= row[item] <= 10:
                return f"{item} outside 1 to 10"
    for column in ("pay_amount", "refund_amount", "goods_count"):
        if column not in row:
            continue
        if row[column] is None and trimmed(landed[column]) is not None:
            return f"{column} cannot be read"
        exact = to_number(landed[column])
        if exact is not None and exact < 0:
            return f"{column} is negative"
    return None


REVIEW_ITEMS = (
    "problem_solving",
    "communication",
    "professionalism",
    "after_sales",
)


# --- versions and books ---


@dataclass
class Source:
    """One raw table after staging."""

    current: list[dict]
    accepted: list[dict]
    balance: list[dict]
    rejects: Counter


def version_rank(contract, row):
    newest = row[contract.newest] if contract.newest else 0
    return (
        newest is not None,
        newest or 0,
        row["_loaded_at"],
        row["_text"],
        row["load_date"],
    )


def read_source(raw_root, table):
    contract = CONTRACTS[table]
    landed_count, rejected, books = Counter(), Counter(), Counter()
    reasons = Counter()
    versions = defaultdict(list)
    accepted = []
    for landed in landed_rows(raw_root, table):
        row = typed(contract, landed)
        landed_count[row["load_date"]] += 1
        reason = reject_reason(table, landed, row)
        if reason:
            rejected[row["load_date"]] += 1
            reasons[row["load_date"], reason] += 1
            continue
        accepted.append(row)
        versions[tuple(row[column] for column in contract.key)].append(row)

    current = []
    for rows in versions.values():
        if len(rows) > 1:
            for row in rows:
                row["_text"] = text_form(contract, row)
            rows.sort(key=lambda row: version_rank(contract, row))
        newest = rows[-1]
        current.append(newest)
        books[newest["load_date"]] += 1
        if table == "refunds":
            _settle_success(newest, rows)

    balance = [
        {
            "source": table,
            "load_date": EPOCH + timedelta(days=load_day),
            "rows_landed": landed_count[load_day],
            "rows_current": books[load_day],
            "rows_superseded": landed_count[load_day]
            - books[load_day]
            - rejected[load_day],
            "rows_rejected": rejected[load_day],
        }
        for load_day in sorted(landed_count)
    ]
    return Source(current, accepted, balance, reasons)


def _settle_success(newest, versions):
    """Where no success time was landed, the first version that reached 10."""
    if newest["refund_success_time"] is None:
        reached = [
            row["updated_time"]
            for row in versions
            if row["after_sales_status"] == 10 and row["updated_time"] is not None
        ]
        newest["refund_success_time"] = min(reached, default=None)


def read_all(raw_root):
    return {table: read_source(raw_root, table) for table in CONTRACTS}


# --- seeds ---


def read_seed(seeds_dir, name):
    path = Path(seeds_dir) / f"{name}.csv"
    if not path.exists():
        found = sorted(Path(seeds_dir).rglob(f"{name}.csv"))
        if not found:
            return []
        path = found[0]
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return [
            {column: trimmed(value) for column, value in row.items()}
            for row in csv.DictReader(handle)
        ]


def local_datetime(moment):
    if moment is None:
        return None
    return datetime(1970, 1, 1) + timedelta(milliseconds=moment)


def calendar_date(day):
    return None if day is None else EPOCH + timedelta(days=day)


def day_of(moment):
    return None if moment is None else moment // DAY
