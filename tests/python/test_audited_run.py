"""The whole project with its real audit: refused, then published by an exception."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest
from conftest import CONTRACT, Kefu, land, raw_rows, text_row
from test_publish_commands import current

from kefu.errors import EXIT_AUDIT

REASON = "the loader's clock was ahead"
DEMO = ("--malls", "4", "--days", "12", "--messages", "2000")


def malls_of(world: Kefu) -> set[str]:
    with duckdb.connect(str(world.published), read_only=True) as connection:
        rows = connection.execute("select mall_id from marts.dim_malls").fetchall()
    return {mall_id for (mall_id,) in rows}


@pytest.mark.long
def test_rows_from_the_future_are_published_only_when_accepted(tmp_path: Path) -> None:
    kefu = Kefu(home=tmp_path)
    assert kefu("demo-data", *DEMO).returncode == 0
    first = kefu("run")
    assert first.returncode == 0, first.stdout + first.stderr
    published = kefu.published.read_bytes()
    ahead = f"{dt.datetime.now(dt.UTC) + dt.timedelta(hours=2):%Y-%m-%d %H:%M:%S}"
    late = text_row("malls", mall_id="late", _loaded_at=ahead)
    land(kefu.raw_root, "malls", [late], "late.parquet", load_date=ahead[:10])

    refused = kefu("run")

    assert refused.returncode == EXIT_AUDIT, refused.stdout + refused.stderr
    assert "loaded_in_future" in refused.stderr
    assert kefu.published.read_bytes() == published
    assert "late" not in malls_of(kefu)

    done = kefu("run", "--accept", "loaded_in_future", "--reason", REASON)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "late" in malls_of(kefu)
    manifest = current(kefu)
    assert manifest["accepted"] == [{"check": "loaded_in_future", "reason": REASON}]
    assert manifest["audit"]["passed"] is True


# Three days after the demo's last, which is not whole.
INGESTED_AT = "2026-11-04 02:00:00"


@pytest.mark.long
def test_a_first_run_over_files_that_ended_days_ago(tmp_path: Path) -> None:
    """As `kefu ingest` lands them: all at once, and later than what they hold."""
    source, kefu = Kefu(home=tmp_path / "source"), Kefu(home=tmp_path / "shop")
    for world in (source, kefu):
        world.home.mkdir()
    assert source("demo-data", *DEMO).returncode == 0
    for table in CONTRACT:
        rows = raw_rows(table, source.raw_root)
        again = [row | {"_loaded_at": INGESTED_AT} for row in rows]
        land(kefu.raw_root, table, again, load_date=INGESTED_AT[:10])

    refused = kefu("run")

    assert refused.returncode == EXIT_AUDIT, refused.stdout + refused.stderr
    assert "kefu run --vars 'as_of_date: YYYY-MM-DD'" in refused.stdout
    assert not kefu.published.exists()

    done = kefu("run", "--vars", "as_of_date: 2026-10-30")

    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(kefu.published), read_only=True) as connection:
        last = "select max(service_date) from marts.mall_kpi_daily"
        assert connection.execute(last).fetchone() == (dt.date(2026, 10, 30),)
