"""The whole project with its real audit: refused, then published by an exception."""

import datetime as dt
from pathlib import Path

import duckdb
import pytest
from conftest import Kefu, land, text_row
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
