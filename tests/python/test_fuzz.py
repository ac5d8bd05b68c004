"""Properties that hold whatever is landed, tried on generated landings.

The strategies stand in raw_strategies.py. `make test` tries a few examples, the
same ones every time; `make test-long` (marker `long`) tries some hundreds, others
every time.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib
import re
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from compiled_project import LATEST_LOAD, Project, compiled_project
from conftest import CONTRACT, ROOT, settings_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from raw_strategies import (
    FORMATS,
    FUTURE_LOAD,
    LOAD_DATE,
    PLAIN,
    UNITS,
    Layout,
    Lot,
    clock_text,
    day_of,
    huge_text,
    layouts,
    lots,
    read_alike,
    unix,
    write,
    write_database,
)
from reference.compare import compare_table, published_rows
from reference.compute import compute
from reference.raw import read_all

from kefu.contract import Table
from kefu.dbt_plugin import latest_load
from kefu.faults import refused_landing
from kefu.raw_input import LANDED, RawInput, read_input
from kefu.raw_views import native_sql

# With the usual thresholds a generated lot would be too small for any score.
VARS = {
    "score_min_orders": 1,
    "score_min_peers": 2,
    "service_score_min_buyers": 1,
    "resolve_order_buyers": True,
}
KEY = "a key of the tests"


def tries(count: int) -> Callable:
    """Return settings of a property: how many examples, always the same ones."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def explores(count: int) -> Callable:
    """Return settings of a long property: so many examples, new ones every time.

    What fails is printed with the decorator that repeats it.
    """
    return settings(tries(count), derandomize=False, print_blob=True)


def fresh_input(root: Path) -> RawInput:
    """Return what a new process would read below a raw root."""
    return read_input.__wrapped__(settings_of(root))


@contextmanager
def landed(lot: Lot, layout: Layout = PLAIN) -> Iterator[Path]:
    """Give a raw root that holds a lot, for as long as it is needed."""
    with tempfile.TemporaryDirectory(prefix="kefu-fuzz-") as folder:
        write(Path(folder), lot, layout)
        yield Path(folder)


def the_project() -> Project:
    """Return the compiled project; as an argument it would fill every report."""
    return compiled_project(**VARS)


@functools.cache
def session() -> duckdb.DuckDBPyConnection:
    """Return one database for all examples; each build replaces the last one."""
    with tempfile.TemporaryDirectory(prefix="kefu-fuzz-") as folder:
        write(Path(folder), {})
        return the_project().connect(settings_of(Path(folder)))


def built(root: Path, only: list[str] | None = None) -> duckdb.DuckDBPyConnection:
    """Return the database, built from what is landed below a raw root."""
    connection = session()
    the_project().land(connection, fresh_input(root))
    the_project().build(connection, only=only)
    return connection


def loaded_by_now(lot: Lot) -> Lot:
    """Return a lot without the rows that no run accepts, whatever else they hold."""
    return {
        table: [row for row in rows if row.get("_loaded_at") != FUTURE_LOAD]
        for table, rows in lot.items()
    }


def staging_models() -> list[str]:
    """Return the names of the models that the books are made of."""
    return [
        name
        for name, model in the_project().models.items()
        if model.relation.startswith('"staging"') or name == "data_quality_balance"
    ]


# --- what holds ---


def written(lot: Lot) -> Counter:
    """Return how many rows were written for each table and load date."""
    return Counter(
        (table, row[LOAD_DATE]) for table, rows in lot.items() for row in rows
    )


def check_books(connection: duckdb.DuckDBPyConnection, lot: Lot, root: Path) -> None:
    """Landed is what was written, each row has one fate, and the right one."""
    books = connection.execute(
        """
        select
            source, load_date, rows_landed, rows_current, rows_superseded,
            rows_rejected
        from marts.data_quality_balance
        """
    ).fetchall()
    assert {(row[0], str(row[1])): row[2] for row in books} == written(lot)
    for source, load_date, landed_rows, *fates in books:
        assert landed_rows == sum(fates), (source, load_date)
        assert min(fates) >= 0, (source, load_date)
    expected = [
        tuple(row.values())
        for source in read_all(root).values()
        for row in source.balance
    ]
    assert sorted(books) == sorted(expected)


BOUNDS = {
    r"rank_.*|.*_rank": "{0} >= 1",
    r"(?!change_|gap_)(.*_rate(_.*)?|.*_share|.*percentile)": "{0} between 0 and 1",
    r"hour_of_day": "{0} between 0 and 23",
    r"days_observed": "{0} between 1 and 30",
    r"experience_score|module_score": "{0} between 0 and 5",
    r"response_speed|problem_solving|communication|professionalism|after_sales"
    r"|service_score": "{0} between 0 and 10",
    r"avg_rating": "{0} between 1 and 5",
    r"response_seconds": "{0} between 0 and 86400",
    r".*_seconds|.*_amount|avg_order_value|units_per_buyer|answer_ask_ratio"
    r"|buyers_per_active_agent|weight": "{0} >= 0",
}
WHOLE_NUMBERS = ("BIGINT", "INTEGER", "HUGEINT")


def bound_of(name: str, kind: str) -> str | None:
    """Return the condition that a published column is under, if there is one."""
    for pattern, condition in BOUNDS.items():
        if re.fullmatch(pattern, name):
            return condition
    is_count = kind in WHOLE_NUMBERS and not name.startswith("change_")
    return "{0} >= 0" if is_count else None


def check_bounds(connection: duckdb.DuckDBPyConnection) -> None:
    """Rates, percentiles, scores, counts and durations lie where they can."""
    columns = connection.execute(
        """
        select table_name, column_name, data_type
        from duckdb_columns()
        where schema_name = 'marts' and table_name not like 'dim%'
        """
    ).fetchall()
    conditions: dict[str, list[str]] = defaultdict(list)
    for table, name, kind in columns:
        # What the platform says need not be possible.
        bound = None if name.startswith("official_") else bound_of(name, kind)
        if bound is not None:
            finite = f' and isfinite("{name}")' if kind == "DOUBLE" else ""
            conditions[table].append(bound.format(f'"{name}"') + finite)
        if name == "median_response_seconds":
            conditions[table].append(f"{name} <= p90_response_seconds")
    outside = []
    for table, bounds in conditions.items():
        counts = ", ".join(f"count_if(not ({bound}))" for bound in bounds)
        found = connection.execute(f"select {counts} from marts.{table}").fetchone()
        outside += [
            f"{table}: {count} rows not {bound}"
            for bound, count in zip(bounds, found, strict=True)
            if count
        ]
    assert not outside, "\n".join(outside)


# What a 30-day table grows from: the daily table of the same members.
GROWN_FROM = {
    "mall_kpi_30d": ("mall_kpi_daily", "mall_id"),
    "agent_kpi_30d": ("agent_kpi_daily", "mall_id, cs_uid"),
    "help_seeking_rate_30d": ("mall_kpi_daily", "mall_id"),
    "experience_score_30d": ("mall_kpi_daily", "mall_id"),
}


def check_sizes(connection: duckdb.DuckDBPyConnection) -> None:
    """A 30-day table ends 29 days after its member's last day, at most."""
    for table, (daily, member) in GROWN_FROM.items():
        beyond = connection.execute(
            f"""
            with spans as (
                select
                    {member},
                    min(service_date) as first_day,
                    max(service_date) + 29 as last_day
                from marts.{daily}
                group by all
            )
            select count(*)
            from marts.{table} as days
            left join spans using ({member})
            where as_of_date not between first_day and last_day or first_day is null
            """
        ).fetchone()
        assert beyond == (0,), table


def check_data_tests(connection: duckdb.DuckDBPyConnection) -> None:
    """Every data test of the project holds."""
    failing = the_project().failing_tests(connection)
    assert not [failure for failure in failing if failure.severity == "error"]


def check_reference(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Every table is what the independent computation says."""
    expected = compute(root, ROOT / "seeds", VARS | {"buyer_key": KEY})
    differences = []
    for table, rows in expected.items():
        names, found = published_rows(connection, table)
        differences += compare_table(table, names, found, rows, 1e-9)
    assert not differences, "\n".join(map(str, differences[:10]))


def published(connection: duckdb.DuckDBPyConnection) -> dict[str, Counter]:
    """Return the rows of all published tables, each with how often it is there."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'marts'"
    ).fetchall()
    return {
        table: Counter(connection.execute(f"from marts.{table}").fetchall())
        for (table,) in tables
    }


def check_same(found: dict[str, Counter], expected: dict[str, Counter]) -> None:
    """The same tables with the same rows, to the last digit."""
    assert found.keys() == expected.keys()
    parted = {
        table: (list(found[table] - rows)[:2], list(rows - found[table])[:2])
        for table, rows in expected.items()
        if found[table] != rows
    }
    assert not parted


def check_figures(lot: Lot, layout: Layout, with_tests: bool = True) -> None:
    """Build a lot; hold it to all that is known without a second build.

    The reference reads the same rows as they are landed most plainly, so that
    it tells of the layout too.
    """
    lot = loaded_by_now(lot)
    with landed(lot) as plain, landed(lot, layout) as root:
        connection = built(root)
        check_books(connection, lot, plain)
        check_bounds(connection)
        check_sizes(connection)
        check_reference(connection, plain)
        if with_tests:
            check_data_tests(connection)


def check_layouts(lot: Lot, layout: Layout) -> None:
    """Two landings of the same rows give the same tables, to the last digit."""
    lot = loaded_by_now(lot)
    with landed(lot) as root:
        expected = published(built(root))
    with landed(lot, layout) as root:
        check_same(published(built(root)), expected)


# --- the same examples in every run ---


def test_examples_are_the_same_whatever_is_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def drawn() -> list[list[int]]:
        found = []

        @tries(10)
        @given(numbers=st.lists(st.integers(0, 10**9), min_size=50))
        def example_of(numbers: list[int]) -> None:
            found.append(numbers)

        example_of()
        return found

    before = drawn()
    literals = ", ".join(map(str, range(7_000_000, 7_000_500)))
    (tmp_path / "another_module.py").write_text(f"KNOWN = [{literals}]\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("another_module")

    assert drawn() == before


# --- values that come with a type ---

INTEGERS = [0, 1, -1, 64, 2**31 - 1, 2**31, 99_999_999_999, 100_000_000_000]
INTEGERS += [253_402_271_999_999, 253_402_272_000_000, -1_772_164_800, 2**63 - 1]
# What each native column is tried with, and what it holds meanwhile.
NATIVE_VALUES = {
    "bigint": ([*map(str, INTEGERS), str(-(2**63)), "null"], "1772164800"),
    "boolean": (["true", "false", "null"], "true"),
    "timestamp": (
        [
            *("'2026-03-01 08:00:00.123456+08'", "'0001-01-01 00:00:00+00'", "null"),
            *("'0044-03-15 (BC) 00:00:00+00'", "'infinity'", "'-infinity'"),
            "'10000-01-01 00:00:00+00'",
        ],
        "'2026-03-01 08:00:00+08'",
    ),
}
NATIVE_TYPES = {"timestamp": "timestamptz"}
OTHER_VALUES = {
    "from_role": "user",
    "channel": "complaint",
    "row_type": "agent",
    "period_start": "2026-03-01",
    "period_end": "2026-03-01",
    "as_of_date": "2026-03-01",
    "service_date": "2026-03-01",
    "liability": None,
}
KEYS = {"msg_id", "order_sn", "id", "complaint_id", "rating_id", "review_id"}
KEYS |= {"cs_uid", "cs_account", "name"}


def native_rows(table: Table) -> str:
    """Return a query of rows of native values, each with another one of them."""
    tried = [
        (column, value)
        for column, kind in table.native.items()
        for value in NATIVE_VALUES[kind][0]
    ]
    selects = []
    for number, (changed, value) in enumerate(tried):
        columns = []
        for column in table.columns:
            if column in table.native:
                kind = table.native[column]
                held = value if column == changed else NATIVE_VALUES[kind][1]
                columns.append(f"cast({held} as {NATIVE_TYPES.get(kind, kind)})")
            else:
                text = str(number) if column in KEYS else "1"
                held = OTHER_VALUES.get(column, text)
                columns.append("cast(null as varchar)" if held is None else f"'{held}'")
        named = (f'{v} as "{c}"' for v, c in zip(columns, table.columns, strict=True))
        selects.append(f"select {', '.join(named)}")
    return " union all ".join(selects)


def test_native_values_are_read_as_their_texts(tmp_path: Path) -> None:
    """Staging makes the same of a value, and keeps the same of a rejected row."""
    typed, texts = tmp_path / "typed", tmp_path / "texts"
    place = "load_date=2026-03-02/rows.parquet"
    bases = {f"base_pdd__{name}": CONTRACT[name] for name in CONTRACT}
    for table in CONTRACT.values():
        for root in (typed, texts):
            (root / table.name / place).parent.mkdir(parents=True)
        duckdb.sql(native_rows(table)).write_parquet(str(typed / table.name / place))
    for name, query in fresh_input(typed).queries.items():
        columns = ", ".join(f'"{column}"' for column in CONTRACT[name].columns)
        with duckdb.connect() as connection:
            found = connection.sql(f"select {columns} from ({query})")
            found.write_parquet(str(texts / name / place))

    read = {}
    for root in (typed, texts):
        raw = fresh_input(root)
        for table in CONTRACT.values():
            ((spared,),) = duckdb.sql(
                f"select count(_loaded_at_native) from"
                f" ({native_sql(table, raw.landing)})"
            ).fetchall()
            assert (spared > 0) is (root == typed), table.name
        connection = built(root, only=list(bases))
        read[root] = {
            base: Counter(
                connection.execute(
                    f"select cast(t as varchar) from staging.{base} t"
                ).fetchall()
            )
            for base in bases
        }

    for base, table in bases.items():
        tried = sum(len(NATIVE_VALUES[kind][0]) for kind in table.native.values())
        assert read[typed][base].total() == tried
        assert read[typed][base] == read[texts][base], base
    rejected = connection.execute(
        "select reject_reason, count(*) from staging.base_pdd__messages group by all"
    )
    assert dict(rejected.fetchall()).keys() >= {
        *("missing_loaded_at", "missing_event_time", "unreadable_event_time"),
        *("event_before_platform", "event_after_load", None),
    }


# --- any texts, in any form: the raw views ---


def check_texts(lot: Lot, layout: Layout) -> None:
    """Both raw views give back what was written, whatever the files are like."""
    with landed(lot, layout) as root, duckdb.connect() as connection:
        raw = fresh_input(root)
        for table, query in raw.queries.items():
            contract = CONTRACT[table]
            names = [*contract.columns, "load_date"]
            expected = Counter(
                (row[LOAD_DATE], read_alike(table, contract_texts(row)))
                for row in lot.get(table, [])
            )
            rows = connection.execute(query).fetchall()
            found = Counter(
                (
                    str(row[len(names) - 1]),
                    read_alike(table, zip(names[:-1], row, strict=False)),
                )
                for row in rows
            )
            assert found == expected, table
            native = native_as_texts(contract, native_sql(contract, raw.landing))
            spared = Counter(connection.execute(native).fetchall())
            assert spared == Counter(row[: len(names)] for row in rows), table


def native_as_texts(table: Table, query: str) -> str:
    """Return the rows of a view for builds in the columns of the view of texts.

    No row has both a text and a native value.
    """
    columns = []
    for column in table.columns:
        text, native = f'"{column}"', f"{column}_native"
        if column in table.native:
            zone = " || '+00'" if table.native[column] == "timestamp" else ""
            text = (
                f"case when {text} is not null and {native} is not null"
                f" then error('{column} is there twice')"
                f" else coalesce({text}, cast({native} as varchar){zone}) end"
            )
        columns.append(f'{text} as "{column}"')
    return f"select {', '.join(columns)}, load_date from ({query}) as landed"


def contract_texts(row: dict) -> list[tuple[str, str]]:
    """Return a row's columns without the folder's date."""
    return [(name, text) for name, text in row.items() if name != LOAD_DATE]


def message(number: str, moment: int, **values: str) -> dict:
    """Return a buyer's message at a moment of the local clock, loaded at once."""
    row = {
        "mall_id": "m1",
        "msg_id": number,
        "buyer_uid": "b1",
        "from_role": "user",
        "ts": unix(moment),
        "_loaded_at": clock_text(moment),
        LOAD_DATE: clock_text(moment)[:10],
    }
    return row | values


def huge_messages() -> list[dict]:
    """Return messages of a megabyte each."""
    return [
        message(str(number), day_of("2026-03-01"), content=huge_text(unit))
        for number, unit in enumerate(UNITS)
    ]


@tries(30)
@given(lot=lots(), layout=layouts())
def test_any_landing_reads_as_written(lot: Lot, layout: Layout) -> None:
    check_texts(lot, layout)


@pytest.mark.long
@explores(500)
@given(lot=lots(), layout=layouts())
def test_any_landing_reads_as_written_long(lot: Lot, layout: Layout) -> None:
    check_texts(lot, layout)


@pytest.mark.parametrize("form", FORMATS)
def test_texts_of_a_megabyte(form: str) -> None:
    lot = {"messages": huge_messages(), "orders": []}
    check_texts(lot, replace(PLAIN, formats=(form,)))


# --- the books: staging ---


def check_staging(lot: Lot, layout: Layout) -> None:
    """The books of a lot balance, and are those of the reference."""
    lot = loaded_by_now(lot)
    with landed(lot) as plain, landed(lot, layout) as root:
        check_books(built(root, only=staging_models()), lot, plain)


def beyond_the_calendar() -> Lot:
    """Return a shift to the last moment that a date can tell, and one past it."""
    start = day_of("2026-03-01")
    shift = {"mall_id": "m1", "shift_name": "早班", "start_at": clock_text(start)}
    ends = {"a1": "253402271999999", "a2": "253402272000000"}
    loaded = {"_loaded_at": clock_text(start), LOAD_DATE: clock_text(start)[:10]}
    rows = [shift | loaded | {"cs_uid": uid, "end_at": ends[uid]} for uid in ends]
    return {"agent_shifts": rows}


@tries(8)
@example(lot=beyond_the_calendar(), layout=PLAIN)
@given(lot=lots(), layout=layouts())
def test_the_books_balance(lot: Lot, layout: Layout) -> None:
    check_staging(lot, layout)


@pytest.mark.long
@explores(150)
@given(lot=lots(), layout=layouts())
def test_the_books_balance_long(lot: Lot, layout: Layout) -> None:
    check_staging(lot, layout)


# --- the whole warehouse ---


def ten_years_apart() -> Lot:
    """Return one shop that was asked once, and once more ten years later."""
    first, later = day_of("2015-09-01"), day_of("2025-09-01")
    rows = [
        message("1", first + 9 * 3_600_000, content="怎么还不发货"),
        message("2", first + 9 * 3_600_000 + 30_000, from_role="mall_cs", cs_uid="a1"),
        message("3", later + 9 * 3_600_000),
        message("4", later + 3 * 86_400_000, from_role="mall_cs", cs_uid="a1"),
    ]
    return {"messages": rows}


def before_the_platform() -> Lot:
    """Return an order that grouped, and one that was refunded, at a landed 0."""
    start = day_of("2026-03-01")
    seen = {"_loaded_at": clock_text(start), LOAD_DATE: clock_text(start)[:10]}
    known = seen | {"mall_id": "m1", "created_time": unix(start), "pay_time": "0"}
    deal = known | {"group_status": "1", "confirm_status": "1", "pay_amount": "5"}
    refund = known | {"id": "r1", "order_sn": "o1", "refund_success_time": "0"}
    return {
        "messages": [message("1", start)],
        "orders": [deal | {"order_sn": "o1", "confirm_time": "0"}],
        "refunds": [refund | {"after_sales_status": "10", "refund_amount": "5"}],
    }


@tries(5)
@example(lot=ten_years_apart(), layout=PLAIN)
@example(lot=before_the_platform(), layout=PLAIN)
@given(lot=lots(), layout=layouts())
def test_the_whole_warehouse(lot: Lot, layout: Layout) -> None:
    check_figures(lot, layout)


@pytest.mark.long
@explores(300)
@given(lot=lots(most=12), layout=layouts())
def test_the_whole_warehouse_long(lot: Lot, layout: Layout) -> None:
    # The data tests take as long as all the rest: one lot in three bears them.
    check_figures(lot, layout, with_tests=layout.seed % 3 == 0)


@pytest.mark.long
@explores(10)
@given(lot=lots(has_gap=True), layout=layouts())
def test_ten_years_between_events_long(lot: Lot, layout: Layout) -> None:
    check_figures(lot, layout)


@tries(3)
@given(lot=lots(), layout=layouts())
def test_the_same_in_any_landing(lot: Lot, layout: Layout) -> None:
    check_layouts(lot, layout)


@pytest.mark.long
@explores(50)
@given(lot=lots(most=12), layout=layouts())
def test_the_same_in_any_landing_long(lot: Lot, layout: Layout) -> None:
    check_layouts(lot, layout)


def check_database(lot: Lot) -> None:
    """A lot in an attached database: all is booked, and as the reference has it."""
    lot = loaded_by_now(lot)
    with tempfile.TemporaryDirectory(prefix="kefu-fuzz-") as folder:
        path = Path(folder) / "landed.duckdb"
        write_database(path, lot)
        connection = session()
        raw = read_input.__wrapped__(settings_of(Path(folder), path))
        the_project().land(connection, raw)
        try:
            the_project().build(connection)
            booked = connection.execute(
                "select source, sum(rows_landed) from marts.data_quality_balance"
                " group by source"
            ).fetchall()
            assert dict(booked) == {
                name: len(rows) for name, rows in lot.items() if rows
            }
            check_reference(connection, path)
        finally:
            # The next example's database bears the same name.
            connection.execute(f"detach {LANDED}")


@tries(2)
@given(lot=lots())
def test_an_attached_database(lot: Lot) -> None:
    check_database(lot)


@pytest.mark.long
@explores(40)
@given(lot=lots(most=12))
def test_an_attached_database_long(lot: Lot) -> None:
    check_database(lot)


# --- rows from the future ---


def built_with(table: str, loaded: str) -> duckdb.DuckDBPyConnection:
    """Return the database after staging was built over one row of a table."""
    row = dict.fromkeys(CONTRACT[table].columns, "1")
    lot = {table: [row | {"_loaded_at": loaded, LOAD_DATE: "2026-03-01"}]}
    with landed(lot) as root:
        return built(root, only=staging_models())


@pytest.mark.parametrize("table", CONTRACT)
def test_rows_loaded_after_the_latest_moment_are_refused(table: str) -> None:
    with pytest.raises(duckdb.Error) as refused:
        built_with(table, "2100-01-01 00:00:00.001")
    told = refused_landing(refused.value)
    assert told is not None
    assert told.startswith(f"{table}/load_date=2026-03-01/")
    booked = session().execute("from ledger.landings where source = $1", [table])
    assert booked.fetchall() == []


def test_rows_loaded_at_the_latest_moment_are_built() -> None:
    connection = built_with("messages", "2100-01-01 00:00:00")
    landed_rows = "select sum(rows_landed) from marts.data_quality_balance"
    assert connection.execute(landed_rows).fetchone() == (1,)


def test_the_latest_moment_is_a_day_after_the_clock_or_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = dt.datetime(2026, 11, 22, 20, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    monkeypatch.setenv("KEFU_ACCEPTED", "codes")
    assert latest_load(now) == "2026-11-23 12:00:00"
    monkeypatch.setenv("KEFU_ACCEPTED", "codes,loaded_in_future")
    assert latest_load(now) is None


def test_rows_from_the_future_can_be_accepted() -> None:
    session().execute("set variable kefu_latest_load = null")
    try:
        built_with("messages", FUTURE_LOAD)
    finally:
        session().execute(f"set variable kefu_latest_load = {LATEST_LOAD}")


# --- one buyer who writes without end ---

MESSAGES = 200_000
# Every 5 seconds a message, every fourth of them the agent's: buyers' messages
# are answered after 5, 15 and 10 seconds in turn, 10 in the mean.
PAUSE = 5
DAYS_WRITTEN = MESSAGES * PAUSE // 86_400
# 15 hours of a day are assessed, in rounds of four messages.
ASSESSED_A_DAY = 15 * 3600 // (4 * PAUSE) * 3
CPU_SECONDS = 60


def test_one_buyer_with_200000_messages(tmp_path: Path) -> None:
    write(tmp_path, {})
    start = day_of("2026-03-01")
    file = tmp_path / "messages" / "load_date=2026-03-20" / "one-buyer.parquet"
    file.parent.mkdir()
    duckdb.sql(
        f"""
        select
            'm1' as mall_id,
            cast(number as varchar) as msg_id,
            'b1' as buyer_uid,
            if(number % 4 = 1, 'mall_cs', 'user') as from_role,
            if(number % 4 = 1, 'a1', null) as cs_uid,
            if(number % 100 = 0, '怎么还不发货', '在吗') as content,
            {unix(start)} + number * {PAUSE} as ts,
            '2026-03-20 00:00:00' as _loaded_at
        from range({MESSAGES}) as numbers (number)
        """
    ).write_parquet(str(file))

    began = time.process_time()
    connection = built(tmp_path)
    check_data_tests(connection)
    spent = time.process_time() - began

    days = connection.execute(
        """
        select
            assessed_messages, answered_messages, avg_response_seconds,
            p90_response_seconds, consult_buyers, unanswered_messages
        from marts.mall_kpi_daily
        order by service_date
        """
    ).fetchall()
    whole = (ASSESSED_A_DAY, ASSESSED_A_DAY, 10.0, 15.0, 1, 0)
    assert days[:DAYS_WRITTEN] == [whole] * DAYS_WRITTEN
    assert connection.execute(
        "select count(*), max(response_seconds) from marts.fct_buyer_messages"
    ).fetchone() == (MESSAGES * 3 // 4, 15.0)
    assert connection.execute(
        "select max(max_concurrent_buyers) from marts.agent_kpi_daily"
    ).fetchone() == (1,)
    assert spent < CPU_SECONDS, f"{spent:.0f} s of CPU"
