"""The floor: the same published tables by hand, in one DuckDB connection.

    python -m benchmarks.floor RAW_ROOT DATABASE

It reads the landing folders that a build reads and computes what the published
tables hold of sections 1, 2, 6 and 7 of the metric definitions (messages and
replies, response metrics, help-seeking, experience score), by the statements in
floor/*.sql: with all rules of the raw contract, but without a ledger, kept
rejects, tests, increments, or a table that is not needed. It is what a build is
measured against, so it is written to be fast before anything else.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

import duckdb

from benchmarks.reading import ROOT, connect, read_landing, typed_rows
from kefu.landing import Landing
from kefu.run_record import project_vars
from kefu.settings import DEMO_BUYER_KEY
from kefu.sql import quote_name, quote_path, quote_text

STATEMENTS = Path(__file__).resolve().parent / "floor"

# The tables it makes. Of those that other sections share it has the columns of
# sections 1 and 2, and of the rows those of days (or 30 days) with a message.
TABLES = (
    "fct_buyer_messages",
    "fct_consultations",
    "agent_kpi_daily",
    "agent_kpi_shift_daily",
    "agent_kpi_30d",
    "mall_kpi_daily",
    "mall_kpi_30d",
    "fct_help_requests",
    "help_seeking_daily",
    "help_seeking_rate_30d",
    "core_issues_30d",
    "experience_score_30d",
    "experience_module_scores_30d",
)
SEEDS = (
    "problems",
    "refund_reasons",
    "module_weights",
    "score_curve",
    "score_tiers",
    "default_shifts",
    "exempt_dates",
)

MESSAGES = {
    "mall_id": "code",
    "msg_id": "text",
    "buyer_uid": "text",
    "from_role": "code",
    "cs_uid": "code",
    "assigned_cs_uid": "code",
    "type": "integer",
    "template_name": "code",
    "content": "content",
    "ts": "time",
    "need_reply": "boolean",
    "is_spam": "boolean",
    "order_sn": "text",
    "problem_code": "code",
    "_loaded_at": "load",
}
# Amounts stay texts: only whether they can be read decides anything here.
ORDERS = {
    "order_sn": "text",
    "mall_id": "code",
    "buyer_uid": "text",
    "created_time": "time",
    "confirm_time": "time",
    "receive_time": "time",
    "updated_at": "time",
    "group_status": "integer",
    "confirm_status": "integer",
    "risk_control_status": "integer",
    "is_lucky_flag": "integer",
    "goods_count": "text",
    "pay_amount": "text",
    "_loaded_at": "load",
}
WHOLE_ORDERS = ORDERS | {
    "pay_time": "time",
    "shipping_time": "time",
    "order_status": "integer",
    "refund_status": "integer",
    "after_sales_status": "integer",
    "goods_id": "text",
    "goods_amount": "money",
    "discount_amount": "money",
    "postage": "money",
}
COLUMNS = {
    "messages": ("messages", MESSAGES),
    "message_names": ("messages", {"cs_uid": "code", "assigned_cs_uid": "code"}),
    "message_malls": ("messages", {"mall_id": "code"}),
    "texts": (
        "messages",
        {"from_role": "code", "problem_code": "code", "content": "content"},
    ),
    "orders": ("orders", ORDERS),
    "refunds": (
        "refunds",
        {
            "id": "text",
            "mall_id": "code",
            "order_sn": "text",
            "buyer_uid": "text",
            "after_sales_type": "integer",
            "after_sales_status": "integer",
            "after_sale_reason": "code",
            "problem_code": "code",
            "created_time": "time",
            "recreated_at": "time",
            "updated_time": "time",
            "refund_success_time": "time",
            "refund_amount": "text",
            "dispute_refund_status": "integer",
            "join_or_not": "integer",
            "liability": "code",
            "sign_time": "time",
            "_loaded_at": "load",
        },
    ),
    "complaints": (
        "complaints",
        {
            "complaint_id": "text",
            "mall_id": "code",
            "buyer_uid": "text",
            "order_sn": "text",
            "cs_uid": "code",
            "channel": "code",
            "problem_code": "code",
            "created_time": "time",
            "is_valid": "boolean",
            "liability": "code",
            "_loaded_at": "load",
        },
    ),
    "malls": (
        "malls",
        {
            "mall_id": "code",
            "mall_name": "code",
            "merchant_type": "integer",
            "category_name": "code",
            "opened_on": "date",
            "_loaded_at": "load",
        },
    ),
    "agents": (
        "agents",
        {
            "mall_id": "code",
            "cs_uid": "code",
            "cs_name": "code",
            "agent_role": "code",
            "is_robot": "boolean",
            "valid_from": "date",
            "valid_to": "date",
            "_loaded_at": "load",
        },
    ),
    "agent_shifts": (
        "agent_shifts",
        {
            "mall_id": "code",
            "cs_uid": "code",
            "shift_name": "code",
            "start_at": "time",
            "end_at": "time",
            "_loaded_at": "load",
        },
    ),
    "excluded_buyers": (
        "excluded_buyers",
        {
            "mall_id": "code",
            "buyer_uid": "text",
            "valid_from": "date",
            "valid_to": "date",
            "_loaded_at": "load",
        },
    ),
    "ratings": (
        "ratings",
        {
            "rating_id": "text",
            "mall_id": "code",
            "buyer_uid": "text",
            "cs_uid": "code",
            "order_sn": "text",
            "score": "integer",
            "created_time": "time",
            "_loaded_at": "load",
        },
    ),
}

PARTS = (
    "assessed_messages",
    "messages_replied_30s",
    "answered_messages",
    "response_ms",
    "agent_messages",
    "buyer_messages",
)
# Patterns that are tried as one: with more, the engine's automaton outgrows its
# memory and falls back to a slow one; with fewer, each text is read more often.
CHUNK = 8
LATE = {"3min": 180_000, "5min": 300_000, "ineffective": 3_600_000}
CHANNELS = (
    "merchant_chat",
    "merchant_after_sales",
    "platform_intervention",
    "platform_online_cs",
    "platform_hotline",
    "complaint",
)


@dataclass(frozen=True)
class Stage:
    """One file of statements: how long it took, in seconds."""

    name: str
    wall_seconds: float
    cpu_seconds: float


def compute(
    raw_root: Path,
    database: str = ":memory:",
    *,
    variables: Mapping[str, object] | None = None,
    buyer_key: str = DEMO_BUYER_KEY,
    threads: int = 2,
    memory_limit: str | None = None,
) -> tuple[duckdb.DuckDBPyConnection, list[Stage]]:
    """Compute TABLES in the schema marts; return the connection and the timing.

    `variables` are dbt vars that differ from the project's. Raises KefuError
    for landings that a run would refuse, duckdb.Error if two keys share a hash.
    """
    stages: list[Stage] = []
    clock = Clock()
    landing = read_landing(raw_root)
    connection = connect(database, threads, memory_limit)
    prepare(connection, variables or {}, buyer_key)
    names = substitutes(landing, variables or {})
    stages.append(clock.stage("files and seeds"))
    for file in sorted(STATEMENTS.glob("*.sql")):
        names |= contested(connection, landing)
        sql = Template(file.read_text(encoding="utf-8")).substitute(names)
        connection.execute(sql)
        stages.append(clock.stage(file.stem[3:].replace("_", " ")))
    if database != ":memory:":
        connection.execute("checkpoint")
        stages.append(clock.stage("write to disk"))
    return connection, stages


class Clock:
    """Tells the seconds since it was last asked."""

    def __init__(self) -> None:
        """Start."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stage(self, name: str) -> Stage:
        """Return the stage that ends now."""
        wall, cpu = time.perf_counter(), time.process_time()
        stage = Stage(name, wall - self.wall, cpu - self.cpu)
        self.wall, self.cpu = wall, cpu
        return stage


def prepare(
    connection: duckdb.DuckDBPyConnection,
    variables: Mapping[str, object],
    buyer_key: str,
) -> None:
    """Load the seeds and set what the statements ask for by getvariable()."""
    connection.execute("create schema if not exists marts")
    for seed in SEEDS:
        file = quote_path(ROOT / "seeds" / f"{seed}.csv")
        texts = ", all_varchar = true" if seed == "default_shifts" else ""
        connection.execute(
            f"create or replace temp table {quote_name(seed)} as"
            f" select * from read_csv({file}, header = true{texts})"
        )
    for name, value in {**project_vars(ROOT), **variables}.items():
        literal = "null" if value is None else json.dumps(value)
        if isinstance(value, str) or hasattr(value, "isoformat"):
            literal = quote_text(str(value))
        connection.execute(f"set variable {quote_name(name)} = {literal}")
    connection.execute(f"set variable buyer_key = {quote_text(buyer_key)}")


def substitutes(landing: Landing, variables: Mapping[str, object]) -> dict[str, str]:
    """Return what stands for each $name in the statements."""
    values = {**project_vars(ROOT), **variables}
    texts = {
        name: typed_rows(landing, table, kinds)
        for name, (table, kinds) in COLUMNS.items()
    }
    measures = {"help_orders_30d": "any", "platform_help_orders_30d": "platform"}
    measures |= {f"help_orders_{channel}": channel for channel in CHANNELS}
    return texts | {
        "response_kpis": response_kpis(values["response_time_denominator"] == "all"),
        "day_sums": day_sums(),
        "late_flags": ",\n".join(
            f"is_late(sums.assessed_messages, sums.answered_messages,"
            f" sums.slowest_ms, {limit}) as"
            f" {name if name == 'ineffective' else 'late_' + name}".replace(
                " as ", " as is_"
            )
            for name, limit in LATE.items()
        ),
        "help_measures": ",\n".join(
            f"sum(change) filter (measure = '{measure}') as {name}"
            for name, measure in measures.items()
        ),
        "buyer_key": (
            "left(sha256(getvariable('buyer_key') || chr(31) || mall_id"
            " || chr(31) || buyer_uid), 32)"
        ),
        "problem_of_text": problem_of_text(),
        "percentile_of_platform": percentile("platform_help_rate", "desc", "module"),
        "percentile_of_help": percentile("help_seeking_rate", "desc", "module"),
        "percentile_of_score": percentile("rounded_score", "asc"),
    }


def contested(
    connection: duckdb.DuckDBPyConnection, landing: Landing
) -> dict[str, str]:
    """Return the queries for rows that are read a second time: mostly none.

    They are for keys whose newest versions differ and tie in every version column.
    """
    known = {
        row[0]
        for row in connection.execute(
            "select table_name from duckdb_tables()"
            " where table_name like 'contested_%' and estimated_size > 0"
        ).fetchall()
    }
    nothing = Landing(landing.root)
    return {
        name: typed_rows(landing if name in known else nothing, table, kinds)
        for name, table, kinds in (
            ("contested_messages", "messages", MESSAGES),
            ("contested_orders", "orders", WHOLE_ORDERS),
        )
    }


def day_sums() -> str:
    """Return the columns that add up buyer-days, one name for all scopes."""
    sums = [f"cast(sum({part}) as bigint) as {part}" for part in PARTS]
    sums += [
        "count_if(assessed_messages > 0) as assessed_consult_buyers",
        "count_if(agent_messages > 0) as received_buyers",
        "count(first_response_ms) as first_responses",
        "cast(sum(first_response_ms) as bigint) as first_response_ms",
    ]
    sums += [
        f"count_if(is_late(assessed_messages, answered_messages, slowest_ms, {limit}))"
        f" as {name if name == 'ineffective' else 'late'}_buyers"
        + ("" if name == "ineffective" else f"_{name}")
        for name, limit in LATE.items()
    ]
    return ",\n".join(sums)


def response_kpis(is_of_all: bool) -> str:
    """Return the published columns of section 2 from their parts."""
    averaged = "assessed_messages" if is_of_all else "answered_messages"
    return f"""
    consult_buyers, assessed_consult_buyers, received_buyers, assessed_messages,
    messages_replied_30s,
    messages_replied_30s / nullif(assessed_messages, 0) as reply_rate_30s,
    answered_messages,
    response_ms / nullif({averaged} * 1000, 0) as avg_response_seconds,
    median_response_ms / 1000.0 as median_response_seconds,
    p90_response_ms / 1000.0 as p90_response_seconds,
    assessed_messages - answered_messages as unanswered_messages,
    late_buyers_3min,
    1 - late_buyers_3min / nullif(assessed_consult_buyers, 0) as reply_rate_3min,
    late_buyers_5min,
    1 - late_buyers_5min / nullif(assessed_consult_buyers, 0) as reply_rate_5min,
    ineffective_buyers,
    1 - ineffective_buyers / nullif(assessed_consult_buyers, 0)
        as effective_reply_rate,
    first_response_ms / nullif(first_responses * 1000, 0) as first_response_seconds,
    agent_messages, buyer_messages,
    agent_messages / nullif(buyer_messages, 0) as answer_ask_ratio"""


def percentile(value: str, direction: str, *more: str) -> str:
    """Return the half-tie percentile among the peers of the mall's own scope."""

    def within(*keys: str) -> str:
        by = ", ".join(("as_of_date", *keys, *more))
        beaten = f"rank() over (partition by {by} order by {value} {direction}) - 1"
        same = f"count(*) over (partition by {by}, {value})"
        peers = f"count(*) over (partition by {by})"
        return (
            f"case when {peers} > 1"
            f" then ({beaten} + ({same} - 1) / 2) / ({peers} - 1) else 0.5 end"
        )

    return (
        f"case when peer_scope = 'all' then {within()}"
        f" else {within('category_name')} end"
    )


def problem_of_text() -> str:
    """Return the expression for the first keyword, by priority, in `content`."""
    with (ROOT / "seeds" / "problem_keywords.csv").open(encoding="utf-8") as file:
        keywords = sorted(csv.DictReader(file), key=lambda row: int(row["priority"]))
    patterns = [row["pattern"] for row in keywords]
    codes = [row["problem_code"] for row in keywords]

    def matches(low: int, high: int) -> str:
        joined = "|".join(f"(?:{pattern})" for pattern in patterns[low:high])
        return f"regexp_matches(content, {quote_text(joined)})"

    def first_of(low: int, high: int) -> str:
        branches = " ".join(
            f"when {matches(each, each + 1)} then {quote_text(codes[each])}"
            for each in range(low, high)
        )
        return f"case {branches} end"

    chunks = [
        (low, min(low + CHUNK, len(patterns))) for low in range(0, len(patterns), CHUNK)
    ]
    branches = [f"when {matches(*chunk)} then {first_of(*chunk)}" for chunk in chunks]
    return f"case {' '.join(branches) or 'when false then null'} end"


def main(arguments: Sequence[str]) -> int:
    """Compute the tables into a database file and print the timing as JSON."""
    if len(arguments) < 2:
        print(__doc__)
        return 2
    options = json.loads(arguments[2]) if len(arguments) > 2 else {}
    connection, stages = compute(Path(arguments[0]), arguments[1], **options)
    connection.close()
    print(json.dumps([asdict(stage) for stage in stages]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
