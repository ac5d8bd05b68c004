"""No buyer and no chat text leaves the warehouse; who asks is forgotten."""

import csv
import dataclasses
import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest
from conftest import CONTRACT, ROOT, Kefu, land, raw_rows, settings_of, text_row

from kefu import privacy_landings, privacy_requests
from kefu.errors import KefuError
from kefu.privacy_key import check_value, has_changed, weakness
from kefu.privacy_landings import RECORD, Rows, find, landings_of, take_out
from kefu.privacy_log import without_landed_values
from kefu.privacy_requests import KEYS, Buyer, drop_working_database
from kefu.publish import Request, publish
from kefu.run_lock import held
from kefu.run_record import RunRecord
from kefu.settings import DEMO_BUYER_KEY, Settings
from kefu.sql import quote_name, quote_text
from kefu.versions import Found, Versions

KEY = "a secret of the tests"
WITH_BUYERS = [name for name in CONTRACT if "buyer_uid" in CONTRACT[name].columns]
# Shorter texts are greetings, and words that stand in documentation too.
SHORTEST_TEXT = 12


# --- what the demo run has written ---


def export(database: Path, folder: Path) -> None:
    """Write every table of a DuckDB file as CSV."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = current_database()"
        ).fetchall()
        for schema, table in tables:
            target = quote_text(str(folder / f"{schema}.{table}.csv"))
            name = f"{quote_name(schema)}.{quote_name(table)}"
            connection.execute(f"copy {name} to {target} (format csv)")


def files_with(texts: Iterable[str], places: Iterable[Path], *more: str) -> list[str]:
    """Return the files below the places that hold one of the texts."""
    done = subprocess.run(
        [
            "grep",
            *more,
            "--recursive",
            "--text",
            "--fixed-strings",
            "--files-with-matches",
        ]
        + ["--file=-", *map(str, places)],
        input="\n".join(texts).encode(),
        capture_output=True,
        check=False,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.decode().splitlines()


def own_words() -> str:
    """Return all that the project itself says, which may be said again."""
    folders = ("models", "seeds", "docs", "macros", "analyses")
    return "".join(
        path.read_text(encoding="utf-8")
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".csv", ".md", ".sql", ".yml")
    )


@pytest.fixture(scope="module")
def landed_secrets(demo: tuple[Kefu, str]) -> dict[str, set[str]]:
    """Every buyer_uid of the demo, and the longer ones of its chat texts."""
    world, _ = demo
    buyers = {
        row["buyer_uid"].strip()
        for table in WITH_BUYERS
        for row in raw_rows(table, world.raw_root)
        if row["buyer_uid"]
    }
    known = own_words()
    texts = {
        line
        for row in raw_rows("messages", world.raw_root)
        for line in (row["content"] or "").splitlines()
        if len(line) >= SHORTEST_TEXT and line not in known
    }
    buyers = {uid for uid in buyers if len(uid) >= SHORTEST_TEXT}
    # The digits of 64.81900000000002 hold one of these, which is no leak.
    round_ones = {uid for uid in buyers if "0000000" in uid}
    assert len(buyers - round_ones) > 2_000 and len(texts) > 1_000 and round_ones
    return {"buyers": buyers - round_ones, "round": round_ones, "texts": texts}


@pytest.fixture(scope="module")
def all_written(
    demo: tuple[Kefu, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Path], Path]:
    """What the demo run wrote for others to see, and its working database."""
    world, printed = demo
    home = tmp_path_factory.mktemp("exported")
    for number, file in enumerate(sorted(world.published.parent.rglob("*.duckdb"))):
        export(file, home / "published" / str(number))
    # Packed, so that a search of the bytes would find nothing in them.
    copies = sorted(world.published.parent.rglob("*.parquet"))
    for number, file in enumerate(copies):
        target = home / "published" / f"{number}.{file.stem}.csv"
        duckdb.read_parquet(str(file)).write_csv(str(target))
    assert len(copies) > 20 and len(list((home / "published").iterdir())) > 20
    assert (home / "published" / "3").is_dir(), "two files and a copy of each"
    export(world.database, home / "working")
    (home / "printed").write_text(printed, encoding="utf-8")
    inside = (world.raw_root, world.database.parent)
    written = [path for path in world.home.iterdir() if path not in inside]
    # Beside the working database lie the results of the audit.
    written += [path for path in world.database.parent.iterdir() if path.is_dir()]
    written += world.database.parent.glob("*.json")
    names = {path.name for place in written for path in place.rglob("*")}
    assert {"manifest.json", "run_results.json", "dbt.log", "kefu.duckdb"} <= names
    return [home / "published", home / "printed", *written], home / "working"


@pytest.mark.parametrize("kind", ["buyers", "round", "texts", "key"])
def test_nothing_that_was_written_holds_a_buyer_or_a_text(
    all_written: tuple[list[Path], Path],
    landed_secrets: dict[str, set[str]],
    kind: str,
) -> None:
    searched, working = all_written
    secrets = landed_secrets.get(kind, {KEY})
    how = ["--word-regexp"] if kind == "round" else []
    assert files_with(secrets, searched, *how) == []
    if kind in ("buyers", "texts"):
        # The same search finds them where they are.
        found = files_with(secrets, [working])
        assert "staging.base_pdd__messages.csv" in {Path(name).name for name in found}


# --- what DuckDB says of a value ---

SECRET = "1200099887766"
QUOTING = (
    "select cast(t as integer[]) from secrets",
    "select cast(t || 'x' as integer) from secrets",
    "select cast(t as date) from secrets",
    "select cast(t || '99999999999999999999999999999999' as bigint) from secrets",
    "select strptime(t, '%Y-%m-%d') from secrets",
    "select json_extract('{' || t, '$.a') from secrets",
    "select error(t) from secrets",
    "insert into keyed select t from secrets union all select t from secrets",
    "select timezone(t, timestamptz '2026-01-01 00:00:00Z') from secrets",
    "select date_trunc(t, date '2026-01-01') from secrets",
    "select cast(t || 'x' as decimal(18, 2)) from secrets",
)
TELLING = {
    "select nothing from secrets": "nothing",
    "select 1 from nowhere": "nowhere",
    "selec 1": "selec",
    "insert into checked values (-1)": "CHECK constraint failed on table",
    "insert into checked values (null)": "NOT NULL constraint failed: checked.i",
    "select regexp_matches('a', '破(')": "破(",
    "select cast('x' as integer)": "a value cannot be converted",
}


@pytest.fixture
def connection() -> Iterable[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute(f"create table secrets as select '{SECRET}' as t")
        opened.execute("create table keyed (t varchar primary key)")
        opened.execute("create table checked (i integer not null check (i > 0))")
        yield opened


@pytest.mark.parametrize("sql", QUOTING)
def test_an_error_is_told_without_the_value(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    with pytest.raises(duckdb.Error) as raised:
        connection.execute(sql).fetchall()
    assert SECRET in str(raised.value)
    assert SECRET not in without_landed_values(raised.value)


@pytest.mark.parametrize("sql", TELLING)
def test_an_error_without_a_value_stays_telling(
    connection: duckdb.DuckDBPyConnection, sql: str
) -> None:
    with pytest.raises(duckdb.Error) as raised:
        connection.execute(sql).fetchall()
    assert TELLING[sql] in without_landed_values(raised.value)


BROKEN_MODELS = {
    "converts": "select cast(mall_name as integer) as number from malls",
    "repeats": "select mall_name from malls union all select mall_name from malls",
    "parses": "select strptime(mall_name, '%Y') as moment from malls",
}


def files_written(world: Kefu) -> list[Path]:
    """Return all files of a mini world but landings and working database."""
    return [
        path
        for path in world.home.rglob("*")
        if path.is_file()
        and world.raw_root not in path.parents
        and path.suffix not in (".duckdb", ".wal")
    ]


def test_no_log_of_dbt_quotes_a_landed_value(mini: Kefu) -> None:
    secret = "the buyer's own words 'to INT32'"
    row = text_row("malls", mall_id="m", mall_name=secret)
    land(mini.raw_root, "malls", [row], "secret.parquet")
    models = mini.project / "models" / "intermediate"
    models.mkdir()
    for name, query in BROKEN_MODELS.items():
        source = "malls as (select * from {{ source('pdd', 'malls') }})"
        (models / f"{name}.sql").write_text(
            f"with {source}, final as ({query}) from final"
        )
    (models / "repeats.yml").write_text(
        "models: [{name: repeats, config: {contract: {enforced: true}}, columns:"
        " [{name: mall_name, data_type: varchar, constraints: [{type: primary_key}]}]}]"
    )
    tests = mini.project / "tests"
    tests.mkdir()
    (tests / "asks.sql").write_text(
        # Not through source(): its failing would keep the models from being built.
        "select mall_name from raw.malls where cast(mall_name as date) is null"
    )
    done = mini("dbt", "--no-use-colors", "--log-level-file", "debug", "build")
    assert done.returncode == 1, done.stdout
    for name in (*BROKEN_MODELS, "asks"):
        assert re.search(rf"Error in \w+ {name} ", done.stdout), (name, done.stdout)
    written = files_written(mini)
    assert {"dbt.log", "run_results.json"} <= {path.name for path in written}
    for words in (secret, "the buyer's own", "INT32'"):
        assert words not in done.stdout + done.stderr
        assert [path for path in written if words.encode() in path.read_bytes()] == []
    assert "cannot be converted" in (mini.home / "logs" / "dbt.log").read_text()


# --- the key ---


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (DEMO_BUYER_KEY, "the demo's key"),
        ("a" * 15, "fewer than 16"),
        (" " * 9 + "short" + " " * 9, "fewer than 16"),
        ("a" * 16, None),
    ],
)
def test_weak_keys(key: str, told: str | None) -> None:
    found = weakness(key)
    assert (told in found) if told else found is None


def test_prod_refuses_a_short_key(mini: Kefu) -> None:
    done = mini("run", "--target", "prod", KEFU_BUYER_KEY="a secret")
    assert done.returncode == 3
    assert done.stderr.startswith("kefu: the target prod refuses a key of fewer than")


def test_a_changed_key_rebuilds_all_or_is_refused(mini: Kefu) -> None:
    other = f"another {KEY}"
    assert "rebuilding" not in mini("run", KEFU_BUYER_KEY=KEY).stdout
    refused = mini("dbt", "--no-use-colors", "build", KEFU_BUYER_KEY=other)
    assert refused.returncode != 0
    assert "built with another KEFU_BUYER_KEY" in refused.stdout
    # A rebuilding that breaks leaves tables of neither key.
    model = mini.project / "models" / "marts" / "dim_malls.sql"
    text = model.read_text(encoding="utf-8")
    model.write_text(text.replace("mall_id,", "mall_id, 1 / mall_id as wrong,"))
    broken = mini("run", KEFU_BUYER_KEY=other)
    assert broken.returncode == 4 and "rebuilding all" in broken.stdout
    model.write_text(text)
    again = mini("run", KEFU_BUYER_KEY=KEY)
    assert again.returncode == 0 and "rebuilding all" in again.stdout
    assert "rebuilding" not in mini("run", KEFU_BUYER_KEY=KEY).stdout


def test_what_tells_that_the_key_has_changed(raw_root: Path) -> None:
    settings = settings_of(raw_root)
    settings.database.parent.mkdir()
    assert not has_changed(settings)
    with duckdb.connect(str(settings.database)) as connection:
        connection.execute("create schema meta")
        assert not has_changed(settings)
        connection.execute("create table meta.buyer_key (check_value varchar)")
    assert not has_changed(settings)
    for kept, is_changed in (
        (check_value(settings.buyer_key), False),
        (check_value("another"), True),
        ("rebuilding", True),
    ):
        with duckdb.connect(str(settings.database)) as connection:
            connection.execute("delete from meta.buyer_key")
            connection.execute("insert into meta.buyer_key values (?)", [kept])
        assert has_changed(settings) == is_changed


def test_the_key_stands_in_no_page_and_no_artefact(mini: Kefu) -> None:
    assert mini("run", KEFU_BUYER_KEY=KEY).returncode == 0
    pages = mini("dbt", "docs", "generate", "--static", KEFU_BUYER_KEY=KEY)
    assert pages.returncode == 0, pages.stdout
    written = [path for path in mini.home.rglob("*") if path.is_file()]
    names = {path.name for path in written}
    assert {"static_index.html", "manifest.json", "catalog.json", "dbt.log"} <= names
    assert [path for path in written if KEY.encode() in path.read_bytes()] == []
    with duckdb.connect(str(mini.published), read_only=True) as connection:
        (manifest,) = connection.execute(
            "select manifest from meta.publication"
        ).fetchone()
    assert check_value(KEY) not in manifest


# --- a buyer asks to be forgotten ---

UID = "1200012345678"
OTHER_UID = "1200087654321"
AT = "1772413200"


def message(number: int, uid: str, mall: str = "m1", **values: str) -> dict:
    return text_row(
        "messages",
        mall_id=mall,
        msg_id=f"{mall}-{number}",
        buyer_uid=uid,
        from_role="user",
        ts=AT,
        **values,
    )


def rows_about(uid: str) -> dict[str, list[dict]]:
    """Return a row of each table with buyers, and what else belongs to them."""
    order = {"mall_id": "m1", "order_sn": f"order-{uid}"}
    return {
        "messages": [message(int(uid[-4:]), uid)],
        "orders": [text_row("orders", **order, buyer_uid=f"\t{uid} ")],
        "refunds": [
            text_row("refunds", **order, id=f"r-{uid}"),
            text_row("refunds", mall_id="m1", id=f"q-{uid}", buyer_uid=uid),
        ],
        "complaints": [
            text_row("complaints", complaint_id=uid[:4], mall_id="m1", buyer_uid=uid)
        ],
        "ratings": [text_row("ratings", **order, rating_id=f"g-{uid}")],
        "quality_reviews": [
            text_row(
                "quality_reviews", review_id=f"v-{uid}", mall_id="m1", buyer_uid=uid
            )
        ],
        "excluded_buyers": [
            text_row("excluded_buyers", mall_id="m1", buyer_uid=uid),
        ],
    }


def snapshot(root: Path) -> dict[str, list[dict]]:
    return {
        table: sorted(raw_rows(table, root), key=str)
        for table in CONTRACT
        if table in WITH_BUYERS
    }


def test_nothing_that_a_build_wrote_stays_beside_its_database(tmp_path: Path) -> None:
    """File names and rows in clear, of whole runs and of killed ones."""
    database = tmp_path / "kefu.duckdb"
    for name in (
        "kefu.duckdb",
        "kefu.duckdb.wal",
        "kefu.duckdb.headers.json",
        ".kefu.duckdb.headers.json.7.publishing",
        "kefu.duckdb.tmp/spilled",
        "kefu.duckdb.audit.tmp/spilled",
        "kefu.duckdb.docs.tmp/spilled",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(UID.encode())
    others = tmp_path / "other.duckdb.headers.json"
    others.write_text("{}")

    drop_working_database(database)
    assert list(tmp_path.iterdir()) == [others]


FORMATS = ("part.parquet", "part.csv", "part.csv.gz", "part.jsonl", "part.jsonl.gz")


@pytest.mark.parametrize("name", FORMATS)
def test_a_buyers_rows_go_and_all_others_stay(kefu: Kefu, name: str) -> None:
    for table, rows in rows_about(OTHER_UID).items():
        land(kefu.raw_root, table, rows, "kept.parquet")
        land(kefu.raw_root, table, rows, name, "2026-03-03")
    before = snapshot(kefu.raw_root)
    for table, rows in rows_about(OTHER_UID).items():
        together = rows + rows_about(UID)[table]
        land(kefu.raw_root, table, together, name, "2026-03-03")
    untouched = kefu.raw_root / "messages" / "load_date=2026-03-02" / "kept.parquet"
    stamp = untouched.stat()
    kefu.database.parent.mkdir(parents=True)
    kefu.database.write_bytes(UID.encode())

    counted = kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--dry-run")
    assert counted.returncode == 0, counted.stderr
    assert kefu.database.exists() and snapshot(kefu.raw_root) != before
    for table, rows in rows_about(UID).items():
        assert re.search(rf"  {table} +{len(rows)} rows", counted.stdout)

    done = kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes")
    assert done.returncode == 0, done.stderr
    assert snapshot(kefu.raw_root) == before
    assert untouched.stat().st_mtime_ns == stamp.st_mtime_ns
    assert not kefu.database.exists()
    assert not files_with([UID], [kefu.home])
    entries = [
        json.loads(line) for line in (kefu.raw_root / RECORD).read_text().splitlines()
    ]
    assert {entry["table"] for entry in entries} == set(WITH_BUYERS)
    again = kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes")
    assert "no landed row is the buyer's" in again.stdout


def test_the_record_names_the_key_and_not_the_buyer(kefu: Kefu) -> None:
    land(kefu.raw_root, "messages", [message(1, UID)], "one.parquet")
    assert (
        kefu(
            "forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes", KEFU_BUYER_KEY=KEY
        ).returncode
        == 0
    )
    (entry,) = map(json.loads, (kefu.raw_root / RECORD).read_text().splitlines())
    expected = duckdb.sql(
        f"select left(sha256('{KEY}' || chr(31) || 'm1' || chr(31) || '{UID}'), 32)"
    ).fetchall()
    assert entry["buyer_keys"] == [*expected[0]]
    assert (entry["kind"], entry["mall_id"], entry["rows"]) == ("buyer", "m1", 1)


def test_other_lines_of_a_csv_stay_byte_for_byte(kefu: Kefu) -> None:
    path = kefu.raw_root / "messages" / "load_date=2026-03-03" / "odd.csv"
    path.parent.mkdir(parents=True)
    header = (
        '\ufeff" MALL_ID ",msg_id,buyer_uid,from_role,cs_uid,ts,_loaded_at,content,x'
    )
    kept = [
        'm1,1,2,user,,1,2026-03-02 01:00:00,"two\r\nlines, ""quoted""",",,"',
        f"m2,2,{UID},user,,1,2026-03-02 01:00:00,another mall's,",
        f"m1,3,4,user,,1,2026-03-02 01:00:00,speaks of {UID},",
        "",
        "m1,5,6,user,,1,2026-03-02 01:00:00,last line without end,",
    ]
    gone = f'm1,4," {UID}\t",user,,1,2026-03-02 01:00:00,"of\nthe\r\nbuyer",'
    lines = [header, *kept[:2], gone, *kept[2:]]
    path.write_bytes("\r\n".join(lines).encode())
    path.chmod(0o640)
    done = kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == "\r\n".join([header, *kept]).encode()
    assert path.stat().st_mode & 0o777 == 0o640


def test_numbers_and_long_texts_in_json(kefu: Kefu) -> None:
    folder = kefu.raw_root / "messages" / "load_date=2026-03-03"
    folder.mkdir(parents=True)
    kept = message(1, OTHER_UID, content="长" * 100_000)
    gone = message(2, UID) | {"buyer_uid": int(UID), "ts": 1.5e9, "extra": [1, {}]}
    lines = [json.dumps(kept), "", json.dumps(gone)]
    with gzip.open(folder / "a.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    done = kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes")
    assert done.returncode == 0, done.stderr
    with gzip.open(folder / "a.jsonl.gz", "rt", encoding="utf-8") as file:
        assert file.read() == f"{lines[0]}\n\n"


def test_typed_parquet_keeps_its_types(kefu: Kefu) -> None:
    path = kefu.raw_root / "messages" / "load_date=2026-03-03" / "typed.parquet"
    path.parent.mkdir(parents=True)
    duckdb.sql(
        f"""
        select
            'm1' as mall_id, i::varchar as msg_id,
            {UID} + i % 2 as buyer_uid, 'user' as from_role, null::varchar as cs_uid,
            timestamp '2026-03-01 10:00:00' + i * interval 1 hour as ts,
            timestamptz '2026-03-02 01:00:00Z' as _loaded_at, i % 3 = 0 as need_reply,
            {{'any': i}} as extra
        from range(10) as numbers (i)
        """
    ).write_parquet(str(path))
    kinds = duckdb.sql(f"describe from '{path}'").fetchall()
    assert (
        kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes").returncode == 0
    )
    assert duckdb.sql(f"describe from '{path}'").fetchall() == kinds
    assert duckdb.sql(f"select msg_id from '{path}'").fetchall() == [
        ("1",),
        ("3",),
        ("5",),
        ("7",),
        ("9",),
    ]


def test_a_link_leads_to_the_file_that_is_rewritten(kefu: Kefu, tmp_path: Path) -> None:
    link = land(kefu.raw_root, "messages", [message(1, UID)], "linked.parquet")
    target = shutil.move(link, tmp_path / "elsewhere.parquet")
    link.symlink_to(target)
    assert (
        kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes").returncode == 0
    )
    assert link.is_symlink()
    assert duckdb.sql(f"select count(*) from '{target}'").fetchall() == [(0,)]


def test_a_buyer_in_every_mall(kefu: Kefu) -> None:
    rows = [message(1, UID), message(2, UID, "m2"), message(3, OTHER_UID)]
    land(kefu.raw_root, "messages", rows, "malls.parquet")
    everywhere = text_row("excluded_buyers", buyer_uid=UID)
    land(kefu.raw_root, "excluded_buyers", [everywhere])
    assert (
        kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes").returncode == 0
    )
    left = {row["msg_id"] for row in raw_rows("messages", kefu.raw_root)}
    assert left == {"m2-2", "m1-3"}
    assert len(raw_rows("excluded_buyers", kefu.raw_root)) == 1
    done = kefu(
        "forget", "--mall-id", "m1", "--buyer-uid", UID, "--every-mall", "--yes"
    )
    assert done.returncode == 0
    assert [row["msg_id"] for row in raw_rows("messages", kefu.raw_root)] == ["m1-3"]
    assert raw_rows("excluded_buyers", kefu.raw_root) == []


def test_nothing_is_removed_without_a_yes(kefu: Kefu) -> None:
    land(kefu.raw_root, "messages", [message(1, UID)], "one.parquet")
    done = kefu("forget", "--mall-id", "m1", "--buyer-uid", UID)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("kefu: not answered with yes, so")
    assert len(raw_rows("messages", kefu.raw_root)) == 1


def test_a_slip_in_the_mall_is_no_answer(kefu: Kefu) -> None:
    land(kefu.raw_root, "messages", [message(1, UID)], "one.parquet")
    slip = ("forget", "--mall-id", "m11", "--buyer-uid", UID, "--yes")
    done = kefu(*slip)
    assert done.returncode == 3 and done.stdout == ""
    assert "no landed row at all is of the mall m11" in done.stderr
    for known in (("--every-mall", "--dry-run"), ("--prune-versions",)):
        assert kefu(*slip, *known).returncode == 0, known
    other = kefu("forget", "--mall-id", "m1", "--buyer-uid", OTHER_UID, "--yes")
    assert other.stdout == "no landed row is the buyer's\n"
    empty = kefu("forget", "--mall-id", "m1", "--buyer-uid", " ", "--yes")
    assert empty.returncode == 2 and "is empty" in empty.stderr


def test_nobody_is_asked_while_another_works(kefu: Kefu) -> None:
    kefu.database.parent.mkdir()
    with held(kefu.database, "run"):
        refused = kefu("forget", "--mall-id", "m1")
    assert refused.returncode == 3 and "another run" in refused.stderr
    assert kefu("forget", "--mall-id", "m1").returncode == 1


@pytest.mark.parametrize("fault", ["one row too many", "one row too few", "a value"])
def test_a_file_that_comes_out_wrong_is_not_replaced(
    raw_root: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    rows = [message(1, UID), message(2, OTHER_UID), message(3, OTHER_UID)]
    path = land(raw_root, "messages", rows, "three.csv")
    before = path.read_bytes()
    settings = settings_of(raw_root)
    wanted = {"messages": [Rows({"buyer_uid": frozenset({UID})})]}
    (found,) = find(settings, landings_of(settings), wanted)
    write = privacy_landings._write_without

    def spoil(found: object, path: Path, fresh: Path) -> None:
        write(found, path, fresh)
        lines = fresh.read_bytes().splitlines(keepends=True)
        changed = {
            "one row too many": lines[:-1],
            "one row too few": before.splitlines(keepends=True),
            "a value": [line.replace(b"user", b"system") for line in lines],
        }
        fresh.write_bytes(b"".join(changed[fault]))

    monkeypatch.setattr(privacy_landings, "_write_without", spoil)
    with pytest.raises(KefuError, match=r"three.csv cannot be written anew"):
        take_out(found)
    assert path.read_bytes() == before
    assert [
        entry.name for entry in path.parent.iterdir() if "removing" in entry.name
    ] == []


def test_a_landed_database_is_not_ours_to_change(kefu: Kefu, tmp_path: Path) -> None:
    landed = tmp_path / "landed.duckdb"
    duckdb.connect(str(landed)).close()
    done = kefu(
        "forget",
        "--mall-id",
        "m1",
        "--buyer-uid",
        UID,
        "--yes",
        KEFU_RAW_DATABASE=str(landed),
    )
    assert done.returncode == 3 and "delete the rows there" in done.stderr


def test_killed_meanwhile_no_copy_of_the_buyer_is_left(
    raw_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next call finds what is in the landings, and only that."""
    land(raw_root, "messages", [message(1, UID)], "one.parquet")
    settings = settings_of(raw_root)
    working = settings.database.parent
    name = settings.database.name
    working.mkdir()
    settings.database.write_bytes(UID.encode())
    for folder in (f"{name}.tmp", f"{name}.audit.tmp"):
        (working / folder).mkdir()
        (working / folder / "spilled").write_bytes(UID.encode())
    take_out_last = privacy_requests.take_out

    def killed_behind_it(found: object) -> None:
        take_out_last(found)
        raise KeyboardInterrupt

    monkeypatch.setattr(privacy_requests, "take_out", killed_behind_it)
    buyer = Buyer("m1", UID)
    with pytest.raises(KeyboardInterrupt):
        privacy_requests.forget(
            settings, buyer, privacy_requests.find_buyer(settings, buyer)
        )
    assert not files_with([UID], [raw_root, working])


def test_a_row_landed_twice_and_a_call_made_twice_count_once(
    raw_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is held against rows of the warehouse that are gone."""
    rows = [message(1, UID), message(2, UID), message(2, UID, "m2")]
    for name, landed in (("a.csv", rows), ("b.parquet", rows[1:]), ("c.csv", rows)):
        land(raw_root, "messages", landed, name)
    settings = settings_of(raw_root)
    buyer = Buyer("m1", UID)

    def forget() -> None:
        found = privacy_requests.find_buyer(settings, buyer)
        privacy_requests.forget(settings, buyer, found)

    def killed(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(privacy_requests, "take_out", killed)
        with pytest.raises(KeyboardInterrupt):
            forget()
    forget()
    counted = [
        (Path(entry["file"]).name, entry["rows"], entry["keys"])
        for entry in privacy_landings.removals(raw_root)
    ]
    assert counted == [("a.csv", 2, 2), ("c.csv", 2, 0), ("b.parquet", 1, 0)]
    # Delivered once more it is another file, and its rows are gone once more.
    land(raw_root, "messages", rows, "a.csv")
    forget()
    assert len(privacy_landings.removals(raw_root)) == 4


def publish_showing(world: Kefu, run_id: str, uids: list[str], key: str = KEY) -> None:
    """Publish a version whose facts show some buyers of the mall m1."""
    world.database.parent.mkdir(parents=True, exist_ok=True)
    keys = [Buyer("m1", uid).keys(key, [])[0] for uid in uids]
    with duckdb.connect(str(world.database)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.fct_orders as"
            " select 'm1' as mall_id, unnest(?::varchar[]) as buyer_key",
            [keys],
        )
    record = RunRecord(run_id, buyer_key_check=check_value(key))
    publish(Request(world.database, world.published, record))
    world.database.unlink()


@pytest.mark.parametrize("everywhere", [(), ("--every-mall",)])
def test_kept_versions_are_pruned_after_the_next_run(
    kefu: Kefu, everywhere: tuple[str, ...]
) -> None:
    land(kefu.raw_root, "messages", [message(1, UID)], "one.parquet")
    publish_showing(kefu, "run-1", [OTHER_UID])
    publish_showing(kefu, "run-2", [UID, OTHER_UID])
    publish_showing(kefu, "run-3", [OTHER_UID], key="a former key of the tests")
    publish_showing(kefu, "run-4", [UID])
    for run_id in ("run-1", "run-2"):
        Versions(kefu.published).pin(run_id, "closing 2026-10")
    call = ["forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes", *everywhere]
    done = kefu(*call, KEFU_BUYER_KEY=KEY)
    assert "3 kept versions may show rows of the buyer" in done.stdout
    assert "  of them run-2 is kept for closing 2026-10: " in done.stdout
    assert "run-1" not in done.stdout
    early = kefu(*call, "--prune-versions", KEFU_BUYER_KEY=KEY)
    assert early.returncode == 3 and "run-4 still has rows" in early.stderr
    publish_showing(kefu, "run-5", [OTHER_UID])
    pruned = kefu(*call, "--prune-versions", KEFU_BUYER_KEY=KEY)
    assert "removed 3 kept versions: run-4, run-3, run-2" in pruned.stdout
    assert "  of them run-2 was kept for closing 2026-10: " in pruned.stdout
    left = [version.run_id for version in Versions(kefu.published).read()[0]]
    assert left == ["run-5", "run-1"]


def publishing(
    raw_root: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Settings, Kefu]:
    """Return settings and the world that publishes with them, in this process."""
    world = Kefu(home=raw_root.parent / "world")
    monkeypatch.setenv("KEFU_RAW_ROOT", str(raw_root))
    settings = settings_of(raw_root)
    return dataclasses.replace(settings, published=world.published), world


def test_versions_that_nobody_can_look_into_are_pruned_too(
    raw_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, world = publishing(raw_root, monkeypatch)
    names = ("no manifest", "no JSON", "no table", "only a copy", "sound", "last")
    for name in names:
        publish_showing(world, name, [OTHER_UID], key=settings.buyer_key)
    folder = world.published.parent / "versions"
    (folder / "no manifest" / "manifest.json").unlink()
    for name, part, text in (
        ("no JSON", "manifest.json", "no JSON"),
        ("no table", "kefu.duckdb", "no database"),
    ):
        (folder / name / part).chmod(0o644)
        (folder / name / part).write_text(text)
    (folder / "only a copy" / "kefu.duckdb").unlink()
    (folder / "only a copy" / "parquet").mkdir()
    (folder / "nobody's").mkdir()
    buyer = Buyer("m1", UID)
    shown = privacy_requests.still_shown(settings, buyer)
    pruned = privacy_requests.prune_versions(settings, shown)
    assert sorted(pruned) == sorted(names[:4])
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {
        "nobody's",
        "sound",
        "last",
    }


@pytest.mark.parametrize(
    ("found", "shown"),
    [(Found(False, is_damaged=True), 1), (Found(True, is_open_for_writing=True), None)],
)
def test_a_version_that_opens_and_cannot_be_read(
    raw_root: Path, monkeypatch: pytest.MonkeyPatch, found: Found, shown: int | None
) -> None:
    settings, world = publishing(raw_root, monkeypatch)
    publish_showing(world, "run-1", [OTHER_UID], key=settings.buyer_key)
    buyer = Buyer("m1", UID)
    assert privacy_requests.still_shown(settings, buyer) == []

    def fails(*_: object) -> bool:
        raise duckdb.IOException("a checksum is another")

    with monkeypatch.context() as patch:
        patch.setattr(privacy_requests, "_shows", fails)
        assert len(privacy_requests.still_shown(settings, buyer)) == 1
    monkeypatch.setattr(privacy_requests, "look_at", lambda _: found)
    if shown is None:
        with pytest.raises(KefuError, match="open for writing"):
            privacy_requests.still_shown(settings, buyer)
    else:
        assert len(privacy_requests.still_shown(settings, buyer)) == shown


# --- what was landed by mistake ---


def test_keys_are_those_of_the_contract() -> None:
    assert set(KEYS) == set(CONTRACT)
    for table, columns in KEYS.items():
        models = ROOT / "models" / "staging" / "pdd" / table
        text = (models / f"base_pdd__{table}_duplicates.sql").read_text()
        (listed,) = re.findall(r"'versions',\s*key=\[(.*?)\]", text)
        renamed = [name.strip(" '") for name in listed.split(",")]
        landed_as = {"refund_id": "id", "item_name": "name"}
        own = [landed_as.get(name, name) for name in renamed]
        assert own == list(columns)


def test_a_retracted_mall_leaves_the_published_table(mini: Kefu) -> None:
    retract = ["retract", "malls", "--where", "mall_id=m1", "--reason", "a test shop"]
    assert mini(*retract, "--dry-run").stdout.startswith("1 rows in 1 files")
    assert len(raw_rows("malls", mini.raw_root)) == 3
    done = mini(*retract)
    assert done.returncode == 0, done.stderr
    assert {row["mall_id"] for row in raw_rows("malls", mini.raw_root)} == {"m0", "m2"}
    (kept,) = (mini.raw_root / "_retracted").rglob("*.parquet")
    assert duckdb.sql(f"select mall_id from '{kept}'").fetchall() == [("m1",)]
    entry = json.loads((mini.raw_root / RECORD).read_text())
    assert (entry["kind"], entry["reason"]) == ("row", "a test shop")
    assert mini("run").returncode == 0
    with duckdb.connect(str(mini.published), read_only=True) as connection:
        assert connection.execute("select mall_id from marts.dim_malls").fetchall() == [
            ("m0",),
            ("m2",),
        ]
    # Taken back once more, by landing what lies aside.
    shutil.move(kept, mini.raw_root / "malls" / kept.parent.name / "again.parquet")
    assert len(raw_rows("malls", mini.raw_root)) == 3


def test_one_version_of_a_row_is_retracted(kefu: Kefu) -> None:
    for number, loaded in enumerate(("2026-03-02 01:00:00", "2026-03-02 02:00:00")):
        row = message(1, UID) | {"_loaded_at": loaded}
        land(kefu.raw_root, "messages", [row], f"{number}.csv")
    key = ["--where", "mall_id=m1", "--where", "msg_id=m1-1"]
    done = kefu(
        "retract",
        "messages",
        *key,
        "--where",
        "_loaded_at=2026-03-02 02:00:00",
        "--reason",
        "wrong text",
    )
    assert done.returncode == 0, done.stderr
    (left,) = raw_rows("messages", kefu.raw_root)
    assert left["_loaded_at"] == "2026-03-02 01:00:00"
    # What was set aside is the buyer's too.
    forgotten = kefu("forget", "--mall-id", "m1", "--buyer-uid", UID, "--yes")
    assert re.search(r"messages +2 rows", forgotten.stdout)
    assert not files_with([UID], [kefu.home])


def test_a_whole_file_is_retracted(kefu: Kefu) -> None:
    path = land(kefu.raw_root, "messages", [message(1, UID)], "wrong.csv")
    name = path.relative_to(kefu.raw_root).as_posix()
    done = kefu("retract", "messages", "--file", name, "--reason", "of another firm")
    assert done.returncode == 0, done.stderr
    assert not path.exists() and raw_rows("messages", kefu.raw_root) == []
    (kept,) = (kefu.raw_root / "_retracted").rglob("wrong.csv")
    with kept.open(encoding="utf-8") as file:
        assert [row["buyer_uid"] for row in csv.DictReader(file)] == [UID]


@pytest.mark.parametrize("form", ["absolute", "from the working folder", "by a link"])
def test_a_file_to_retract_is_found_by_any_path_to_it(kefu: Kefu, form: str) -> None:
    path = land(kefu.raw_root, "messages", [message(1, UID)], "wrong.csv")
    name = path.relative_to(kefu.raw_root).as_posix()
    (kefu.home / "linked").symlink_to(kefu.raw_root)
    given = {
        "absolute": str(path),
        "from the working folder": f"{kefu.raw_root.name}/{name}",
        "by a link": str(kefu.home / "linked" / name),
    }[form]
    done = kefu("retract", "messages", "--file", given, "--reason", "of another firm")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{name} lies in ")
    assert not path.exists()
    # A path beside the root is none of its files, whatever it ends in.
    beside = land(kefu.home / "raw2", "messages", [message(1, UID)], "wrong.csv")
    land(kefu.raw_root, "messages", [message(1, UID)], "wrong.csv")
    done = kefu("retract", "messages", "--file", str(beside), "--reason", "none")
    assert done.returncode == 3 and "no run reads a file" in done.stderr


NOT_RETRACTED = {
    "part of a key": (["messages", "--where", "mall_id=m1"], 2, "msg_id is missing"),
    "no such table": (["chats", "--where", "a=b"], 2, "no table of the raw contract"),
    "no such column": (["malls", "--where", "shop=b"], 2, "no column shop"),
    "no value": (["malls", "--where", "mall_id"], 2, "COLUMN=VALUE"),
    "nothing said": (["malls"], 2, "either --where or --file"),
    "no such file": (["malls", "--file", "../../x.csv"], 3, "no run reads a file"),
    "the only file": (
        ["orders", "--file", "orders/load_date=2026-03-02/part-0.parquet"],
        3,
        "only file of orders",
    ),
}


@pytest.mark.parametrize("kind", NOT_RETRACTED)
def test_what_is_not_retracted(kefu: Kefu, kind: str) -> None:
    arguments, code, told = NOT_RETRACTED[kind]
    before = sorted(kefu.raw_root.rglob("*"))
    done = kefu("retract", *arguments, "--reason", "none")
    assert done.returncode == code and told in done.stderr
    assert sorted(kefu.raw_root.rglob("*")) == before
