"""Compare a published database with the reference, table by table.

python -m reference.compare RAW_ROOT SEEDS_DIR PUBLISHED [VAR=VALUE ...]
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from .compute import compute

GRAINS = {
    "dim_malls": ("mall_id",),
    "dim_agents": ("mall_id", "cs_uid"),
    "dim_problems": ("problem_code",),
    "fct_buyer_messages": ("mall_id", "msg_id"),
    "fct_consultations": ("mall_id", "buyer_key", "service_date"),
    "fct_orders": ("order_sn",),
    "fct_refunds": ("refund_id",),
    "agent_kpi_daily": ("mall_id", "cs_uid", "service_date"),
    "agent_kpi_shift_daily": (
        "mall_id",
        "cs_uid",
        "service_date",
        "shift_name",
    ),
    "agent_kpi_30d": ("mall_id", "cs_uid", "as_of_date"),
    "mall_kpi_daily": ("mall_id", "service_date"),
    "mall_kpi_30d": ("mall_id", "as_of_date"),
    "mall_benchmarks_30d": ("mall_id", "as_of_date", "metric"),
    "help_seeking_daily": (
        "mall_id",
        "request_date",
        "channel",
        "problem_code",
    ),
    "help_seeking_rate_30d": ("mall_id", "as_of_date", "module"),
    "core_issues_30d": ("mall_id", "as_of_date", "problem_code"),
    "experience_score_30d": ("mall_id", "as_of_date"),
    "experience_module_scores_30d": ("mall_id", "as_of_date", "module"),
    "agent_service_score_30d": ("mall_id", "cs_uid", "as_of_date"),
    "hourly_load": ("mall_id", "service_date", "hour_of_day"),
    "data_quality_balance": ("source", "load_date"),
    "data_completeness": ("mall_id", "source", "date_day"),
    "official_agent_kpi": (
        *("mall_id", "period_start", "period_end", "row_type", "cs_account"),
    ),
    "official_experience_score": ("mall_id", "as_of_date", "measure", "item_name"),
    "official_reconciliation": (
        *("source", "mall_id", "period_start", "period_end", "row_type"),
        *("cs_account", "official_column", "item_name"),
    ),
}

# The specification does not fix how a help request is identified: its
# grain here is the whole row, and equal rows are counted.
WHOLE_ROW = ("fct_help_requests",)

# Dimension columns whose names and values the specification leaves open.
FREE_COLUMNS = {
    "dim_malls": {"mall_name", "category_name", "merchant_type"},
    "dim_agents": {"cs_name", "agent_role", "valid_from", "valid_to"},
    "dim_problems": {"name_zh", "name_en"},
}

# Differences of two near values lose digits to cancellation.
CANCELLING = ("gap_to_mean", "gap_to_top10", "change_7d", "change_ratio_7d")


@dataclass
class Difference:
    table: str
    column: str
    rows: int
    examples: list

    def __str__(self):
        lines = [f"{self.table}.{self.column}: {self.rows} rows"]
        lines += [f"    {example}" for example in self.examples]
        return "\n".join(lines)


def same(published, expected, rel_tol, abs_tol):
    if published is None or expected is None:
        return published is expected
    if isinstance(published, bool) or isinstance(expected, bool):
        return published is expected
    if isinstance(published, float) or isinstance(expected, float):
        if isinstance(published, str) or isinstance(expected, str):
            return False
        return math.isclose(
            float(published), float(expected), rel_tol=rel_tol, abs_tol=abs_tol
        )
    if isinstance(expected, Decimal) and isinstance(published, str):
        return False
    return published == expected


def abs_tolerance(column, row, rel_tol):
    if column.startswith("gap_"):
        return rel_tol * max(1.0, abs(row.get("metric_value") or 0.0))
    return rel_tol if column in CANCELLING else 1e-12


def rounds_to(shown, row):
    """Two decimals of the score; at half a cent either neighbour will do."""
    score = row["experience_score"]
    if score is None or not re.fullmatch(r"[0-5]\.[0-9]{2}", shown or ""):
        return False
    return abs(float(shown) - score) <= 0.005 + 1e-9


def published_rows(connection, table):
    cursor = connection.execute(f'select * from marts."{table}"')
    names = [column[0] for column in cursor.description]
    return names, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _columns(table, published, expected_rows):
    wanted = list(expected_rows[0]) if expected_rows else []
    free = FREE_COLUMNS.get(table, set())
    absent = [n for n in wanted if n not in published and n not in free]
    if table in FREE_COLUMNS:
        wanted = [n for n in wanted if n not in free]
    return [n for n in wanted if n in published], absent


def _by_key(table, rows, key):
    found, twice = {}, []
    for row in rows:
        value = tuple(row[name] for name in key)
        if value in found:
            twice.append(value)
        found[value] = row
    return found, twice


def compare_table(table, names, published, expected, rel_tol):
    columns, absent = _columns(table, names, expected)
    differences = [
        Difference(table, n, len(expected), ["no such column"]) for n in absent
    ]
    if table in WHOLE_ROW:
        ours = Counter(tuple(row[n] for n in columns) for row in expected)
        theirs = Counter(tuple(row.get(n) for n in columns) for row in published)
        if not expected:
            theirs = Counter(tuple(row.values()) for row in published)
        return differences + _row_sets(table, theirs - ours, ours - theirs)

    key = GRAINS[table]
    if published and not set(key) <= set(names):
        return differences
    theirs, repeated = _by_key(table, published, key)
    ours, _ = _by_key(table, expected, key)
    if repeated:
        differences.append(Difference(table, "(grain)", len(repeated), repeated[:3]))
    differences += _row_sets(
        table,
        Counter(k for k in theirs if k not in ours),
        Counter(k for k in ours if k not in theirs),
    )
    wrong = defaultdict(list)
    for value, row in ours.items():
        other = theirs.get(value)
        if other is None:
            continue
        for name in columns:
            tolerance = abs_tolerance(name, row, rel_tol)
            if name == "score_display" and rounds_to(other[name], row):
                continue
            if not same(other[name], row[name], rel_tol, tolerance):
                wrong[name].append((value, other[name], row[name]))
    for name, cases in wrong.items():
        examples = [
            f"{_shown(dict(zip(key, value, strict=True)))} "
            f"published {_shown(theirs_value)}, expected {_shown(ours_value)}"
            for value, theirs_value, ours_value in cases[:3]
        ]
        differences.append(Difference(table, name, len(cases), examples))
    return differences


def _row_sets(table, extra, missing):
    found = []
    for label, rows in (("(extra)", extra), ("(missing)", missing)):
        if rows:
            examples = [_shown(row) for row in sorted(rows, key=repr)[:3]]
            found.append(Difference(table, label, rows.total(), examples))
    return found


def _shown(value):
    if isinstance(value, dict):
        return ", ".join(f"{name}={_shown(v)}" for name, v in value.items())
    if isinstance(value, tuple):
        return "(" + ", ".join(_shown(part) for part in value) + ")"
    return str(value) if hasattr(value, "isoformat") else repr(value)


def compare(published_db_path, tables, rel_tol=1e-9, only=None):
    """All differences, printed and returned; an empty list means equal.

    `tables` is what compute() returns; a table that is not published is a
    difference too.  `only` limits the comparison to some tables.
    """
    differences = []
    with duckdb.connect(str(published_db_path), read_only=True) as connection:
        present = {
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables "
                "where table_schema = 'marts'"
            ).fetchall()
        }
        for table, expected in tables.items():
            if only is not None and table not in only:
                continue
            if table not in present:
                found = [Difference(table, "(table)", len(expected), ["absent"])]
            else:
                names, rows = published_rows(connection, table)
                found = compare_table(table, names, rows, expected, rel_tol)
            verdict = "equal" if not found else f"{len(found)} differences"
            print(f"{table}: {len(expected)} rows expected, {verdict}")
            for difference in found:
                print(difference)
            differences += found
    return differences


def main(arguments):
    raw_root, seeds_dir, published, *given = arguments
    settings = {}
    for pair in given:
        name, value = pair.split("=", 1)
        if value in ("true", "false"):
            value = value == "true"
        elif value.isdigit():
            value = int(value)
        settings[name] = value
    tables = compute(raw_root, seeds_dir, settings)
    return 1 if compare(published, tables) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
