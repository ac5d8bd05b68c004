"""A feed that stops is flagged as long as it lasts, and mended by late rows.

One shop, 20 days of March 2026: six messages, five orders and four refund
requests a day. Then the refunds of the last eight days do not come, by which
the shop looks better than it is.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from compiled_project import Project, compiled_project
from conftest import land, settings_of, text_row
from test_agreement import LOTS

DAYS = 20
STOPPED = 12  # the last day of March with refunds
AGENT = "a1"


def at(day: int, number: int) -> datetime:
    """Return a moment of a day of March: the number's minute after ten, local."""
    return datetime(2026, 3, day, 2, number, tzinfo=UTC)


def unix(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def local(moment: datetime) -> str:
    return f"{moment + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"


def row(table: str, **values: str) -> dict[str, str | None]:
    return text_row(table, mall_id="m1", _loaded_at="2026-03-21 02:00:00", **values)


def message(day: int, number: int) -> dict:
    is_reply = number % 2 == 1
    return row(
        "messages",
        msg_id=f"{day}-{number}",
        buyer_uid=f"b{day}-{number // 2}",
        from_role="mall_cs" if is_reply else "user",
        cs_uid=AGENT if is_reply else None,
        ts=unix(at(day, number)),
    )


def order(day: int, number: int) -> dict:
    moment = local(at(day, number))
    return row(
        "orders",
        order_sn=f"o{day}-{number}",
        buyer_uid=f"b{day}-{number}",
        created_time=moment,
        pay_time=moment,
        confirm_time=moment,
        updated_at=moment,
        group_status="1",
        confirm_status="1",
        goods_count="1",
        pay_amount="10",
    )


def refund(day: int, number: int) -> dict:
    return row(
        "refunds",
        id=f"r{day}-{number}",
        order_sn=f"o{day}-{number}",
        after_sales_status="10",
        refund_amount="10",
        created_time=unix(at(day, 30 + number)),
        updated_time=unix(at(day, 30 + number)),
    )


def rows(make, number: int, days: range) -> list[dict]:
    return [make(day, each) for day in days for each in range(number)]


@pytest.fixture(scope="module")
def project() -> Project:
    """The project with the vars that other tests compile it with: 5 days, 4 rows."""
    return compiled_project(**LOTS["defaults"][1])


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stopped") / "raw"
    land(root, "messages", rows(message, 6, range(1, DAYS + 1)))
    land(root, "orders", rows(order, 5, range(1, DAYS + 1)))
    land(root, "refunds", rows(refund, 4, range(1, STOPPED + 1)))
    return root


def build(project: Project, root: Path) -> duckdb.DuckDBPyConnection:
    connection = project.connect(settings_of(root))
    project.build(connection)
    return connection


def flagged_days(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute(
        "select source, date_day, status from marts.data_completeness"
        " where status in ('low', 'missing') order by all"
    ).fetchall()


def flags(connection: duckdb.DuckDBPyConnection, table: str, day: int) -> list[tuple]:
    """Return the flags of a table on a day of March, each once."""
    return connection.execute(
        f"select distinct incomplete_days_30d, is_complete from marts.{table}"
        " where as_of_date = ?",
        [date(2026, 3, day)],
    ).fetchall()


TABLES = [
    "mall_kpi_30d",
    "agent_kpi_30d",
    "mall_benchmarks_30d",
    "help_seeking_rate_30d",
    "core_issues_30d",
    "experience_score_30d",
    "experience_module_scores_30d",
]


def test_a_feed_that_stopped_is_flagged_and_late_rows_mend_it(
    project: Project, landed: Path
) -> None:
    stopped = build(project, landed)

    assert flagged_days(stopped) == [
        ("refunds", date(2026, 3, day), "missing")
        for day in range(STOPPED + 1, DAYS + 1)
    ]
    for table in TABLES:
        assert flags(stopped, table, STOPPED) == [(0, True)], table
        assert flags(stopped, table, STOPPED + 1) == [(1, False)], table
        assert flags(stopped, table, DAYS) == [(DAYS - STOPPED, False)], table
    # It rests on messages, which came.
    assert flags(stopped, "agent_service_score_30d", DAYS) == [(0, True)]

    # The days come late, and twice.
    late = rows(refund, 4, range(STOPPED + 1, DAYS + 1))
    land(landed, "refunds", late, name="late.parquet")
    land(landed, "refunds", late, name="again.parquet", load_date="2026-03-21")
    mended = build(project, landed)

    assert flagged_days(mended) == []
    for table in TABLES:
        assert flags(mended, table, DAYS) == [(0, True)], table
    rate = (
        "select refund_rate from marts.mall_kpi_30d"
        " where as_of_date = date '2026-03-20'"
    )
    assert stopped.execute(rate).fetchone() < mended.execute(rate).fetchone()
