"""What is asked for: to forget a buyer, or to take back what was landed wrongly."""

import dataclasses
import getpass
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from kefu.contract import NEEDED_TABLES, read_contract
from kefu.errors import EXIT_USAGE, KefuError, one_line
from kefu.files import remove, sync
from kefu.known_headers import headers_file
from kefu.landing import FileGroup, LandedFile, freeze
from kefu.privacy_key import check_value
from kefu.privacy_landings import (
    EVERY_ROW,
    RETRACTED,
    Found,
    KeysSeen,
    Rows,
    find,
    folders_only,
    landings_of,
    record,
    remove_leftovers,
    rows_by_mall,
    take_out,
    texts_in,
)
from kefu.raw_input import make_working_folder, spilled
from kefu.run_record import note_file, now
from kefu.settings import Settings
from kefu.sql import quote_name
from kefu.versions import (
    FILE,
    PARQUET,
    RESTRICTED,
    Version,
    Versions,
    look_at,
    publication_in,
)

# The keys of the raw contract, in the names of the landings.
KEYS = {
    "messages": ("mall_id", "msg_id"),
    "orders": ("order_sn",),
    "refunds": ("id",),
    "complaints": ("complaint_id",),
    "malls": ("mall_id",),
    "agents": ("mall_id", "cs_uid", "valid_from"),
    "agent_shifts": ("mall_id", "cs_uid", "start_at"),
    "ratings": ("rating_id",),
    "quality_reviews": ("review_id",),
    "excluded_buyers": ("mall_id", "buyer_uid", "valid_from"),
    "official_agent_kpi": (
        "mall_id",
        "period_start",
        "period_end",
        "row_type",
        "cs_account",
    ),
    "official_experience_score": ("mall_id", "as_of_date", "measure", "name"),
}
SEPARATOR = chr(31)


@dataclass(frozen=True)
class Buyer:
    """The buyer who is to be forgotten, in one mall or in all."""

    mall_id: str
    buyer_uid: str
    in_every_mall: bool = False

    def keys(self, secret: str, malls: Iterable[str]) -> list[str]:
        """Return the buyer_keys that the published tables show for the buyer.

        `malls` are those that there are, for a buyer who is meant in all.
        """
        chosen = sorted(malls) if self.in_every_mall else [self.mall_id]
        texts = (SEPARATOR.join((secret, mall, self.buyer_uid)) for mall in chosen)
        return [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]


def find_buyer(settings: Settings, buyer: Buyer) -> list[Found]:
    """Return the landing files with rows of a buyer, and those taken back.

    The rows are those with the buyer's id, and what belongs to one of the
    buyer's orders without saying whose it is. Rows of messages and the like
    without a mall count for none, so they are taken for the buyer's; who is
    excluded without a mall is excluded in all, and goes only if all are meant.
    """
    prepare(settings)
    landings = landings_of(settings, with_retracted=True)
    uid = frozenset({buyer.buyer_uid})
    mall = frozenset({buyer.mall_id})
    anywhere = {} if buyer.in_every_mall else {"mall_id": mall | {None}}
    excluded = {} if buyer.in_every_mall else {"mall_id": mall}
    wanted = {
        name: [
            Rows(
                {"buyer_uid": uid}
                | (excluded if name == "excluded_buyers" else anywhere)
            )
        ]
        for name, table in read_contract(settings.root).items()
        if "buyer_uid" in table.columns
    }
    found = find(settings, landings, wanted)
    orders = texts_in(
        [item for item in found if item.table.name == "orders"], "order_sn"
    )
    if not orders:
        return found
    nobodys = Rows({"buyer_uid": frozenset({None}), "order_sn": orders} | anywhere)
    tied = ("refunds", "ratings")
    more = find(settings, landings, {name: [*wanted[name], nobodys] for name in tied})
    return [item for item in found if item.table.name not in tied] + more


def has_mall(settings: Settings, mall_id: str) -> bool:
    """Return whether any landed row is of a mall."""
    wanted = {
        name: [Rows({"mall_id": frozenset({mall_id})})]
        for name, table in read_contract(settings.root).items()
        if "mall_id" in table.columns
    }
    landings = landings_of(settings, with_retracted=True)
    return bool(find(settings, landings, wanted))


def counts(found: Iterable[Found]) -> dict[str, int]:
    """Return how many rows were found in each table."""
    total: Counter[str] = Counter()
    for item in found:
        total[item.table.name] += item.rows
    return dict(total)


def forget(settings: Settings, buyer: Buyer, found: Iterable[Found]) -> None:
    """Take a buyer's rows out of the landings, with a record of it.

    The record names the mall and the buyer_key, not the buyer. The working
    database holds the rows in clear, so it goes too, and first: killed behind
    the last file, nothing would tell the next call that it is still there. The
    next run builds it anew.
    """
    drop_working_database(settings.database)
    seen = KeysSeen()
    for item in found:
        entries = [
            entry
            | {
                "buyer_keys": buyer.keys(
                    settings.buyer_key, filter(None, [entry["mall_id"]])
                )
            }
            for entry in _entries(settings, "buyer", item, seen)
        ]
        record(settings.raw_root, entries)
        take_out(item)


def still_shown(settings: Settings, buyer: Buyer) -> list[Version]:
    """Return the kept versions that have rows of a buyer, or may have.

    A version that was built with another key shows the buyer under another
    buyer_key, which cannot be told from those of others any more. Nor can it be
    told of one whose manifest or file is damaged. Raises KefuError for one that
    another program has open for writing.
    """
    check = check_value(settings.buyer_key)
    keeper = Versions(settings.published)
    whole, broken = keeper.read()
    damaged = (Version(keeper.folder / run_id, {}) for run_id in broken)
    return [
        version
        for version in whole
        if version.manifest.get("buyer_key_check") != check
        or _may_show(version, buyer, settings.buyer_key)
    ] + [version for version in damaged if _holds_tables(version)]


def _holds_tables(version: Version) -> bool:
    return any((version.folder / part).exists() for part in (FILE, RESTRICTED, PARQUET))


def _may_show(version: Version, buyer: Buyer, secret: str) -> bool:
    found = look_at(version.file)
    if found.is_open_for_writing:
        raise KefuError(
            f"the kept version {version.run_id} is open for writing in another"
            " program: close it, and use this command again"
        )
    if found.publication is None:
        return _holds_tables(version)
    try:
        return _shows(version.file, buyer, secret)
    except duckdb.Error:
        return True


def _shows(file: Path, buyer: Buyer, secret: str) -> bool:
    with duckdb.connect(str(file), read_only=True) as connection:
        places = connection.execute(
            """
            select
                table_name,
                bool_or(column_name = 'mall_id'),
                bool_or(column_name = 'buyer_key')
            from duckdb_columns()
            where database_name = current_database() and schema_name = 'marts'
            group by table_name
            """
        ).fetchall()
        malls: set[str] = set()
        for table, has_malls, _ in places if buyer.in_every_mall else ():
            if has_malls:
                rows = connection.execute(
                    f"select distinct mall_id from marts.{quote_name(table)}"
                ).fetchall()
                malls.update(mall for (mall,) in rows if mall is not None)
        keys = buyer.keys(secret, malls)
        return any(
            connection.execute(
                f"select 1 from marts.{quote_name(table)}"
                " where list_contains(?, buyer_key) limit 1",
                [keys],
            ).fetchone()
            for table, _, has_buyers in places
            if has_buyers
        )


def prune_versions(settings: Settings, versions: Iterable[Version]) -> list[str]:
    """Remove versions in which a forgotten buyer has rows; return their ids.

    Raises KefuError if the current one is among them: it goes when the next
    run has taken its place.
    """
    chosen = list(versions)
    current = publication_in(settings.published)
    if current and current["run_id"] in {item.run_id for item in chosen}:
        raise KefuError(
            f"the published version {current['run_id']} still has rows of the buyer:"
            " use `kefu run` first, then this command again"
        )
    keeper = Versions(settings.published)
    for version in chosen:
        keeper.drop(version.folder)
        keeper.note("removed for a privacy request", version.run_id, None)
    return [version.run_id for version in chosen]


def rows_by_key(
    settings: Settings, table: str, values: Mapping[str, str | None]
) -> list[Rows]:
    """Return the rows that have a key and, if given, other texts.

    Raises KefuError for a table or column that the contract does not have, or
    if a column of the key is not given: a part of a key is many rows.
    """
    contract = read_contract(settings.root)
    if table not in contract:
        raise KefuError(
            f"{table} is no table of the raw contract: it has {', '.join(contract)}",
            EXIT_USAGE,
        )
    for column in values:
        if column not in contract[table].columns:
            raise KefuError(
                f"{table} has no column {column}: its key is {', '.join(KEYS[table])}",
                EXIT_USAGE,
            )
    missing = [column for column in KEYS[table] if column not in values]
    if missing:
        raise KefuError(
            f"{table}: give all of the key, {missing[0]} is missing: --where"
            f" {missing[0]}=VALUE, with nothing after = where it is null",
            EXIT_USAGE,
        )
    return [Rows({name: frozenset({text}) for name, text in values.items()})]


def retract_rows(settings: Settings, found: Iterable[Found], reason: str) -> Path:
    """Move rows out of the landings; return the folder that holds them now."""
    drop_working_database(settings.database)
    folder = _retracted_folder(settings)
    seen = KeysSeen()
    for number, item in enumerate(found):
        name = f"{Path(item.file.name).name}.{number}.parquet"
        load_date = f"load_date={item.file.load_date.isoformat()}"
        kept = folder / item.table.name / load_date / name
        entries = [
            entry | {"reason": reason}
            for entry in _entries(settings, "row", item, seen)
        ]
        record(settings.raw_root, entries)
        take_out(item, kept)
    return folder


def find_file(settings: Settings, table: str, name: str) -> FileGroup:
    """Return a landing file, given by its path, alone.

    That is its path below the raw root, or any other that leads into it.

    Raises KefuError if no run would read such a file of the table, or if a
    needed table would be left without one.
    """
    prepare(settings)
    landing = freeze(settings.raw_root, read_contract(settings.root))
    groups = landing.of_table(table)
    by_name = {
        file.name: dataclasses.replace(group, files=(file,))
        for group in groups
        for file in group.files
    }
    meant = _names_below(settings.raw_root, name)
    alone = next((by_name[one] for one in meant if one in by_name), None)
    if not alone:
        raise KefuError(
            f"{table}: no run reads a file {one_line(name, 200)} below"
            f" {settings.raw_root}: give its path, or"
            " <table>/load_date=YYYY-MM-DD/<name>"
        )
    if sum(len(group.files) for group in groups) == 1 and table in NEEDED_TABLES:
        raise KefuError(
            f"{name} is the only file of {table}: land a right one first, of zero"
            " rows if need be"
        )
    return alone


def _names_below(root: Path, name: str) -> list[str]:
    """Return what a path may mean below the root, the likeliest first.

    It is one already, or leads into the root: as it is written, from the
    working folder if it is relative, or by links.
    """
    names = [name]
    for made in (os.path.abspath, os.path.realpath):
        path, folder = Path(made(name)), Path(made(root))
        if path.is_relative_to(folder):
            names.append(path.relative_to(folder).as_posix())
    return names


def retract_file(settings: Settings, alone: FileGroup, reason: str) -> Path:
    """Move a whole landing file out of the way; return where it lies now."""
    (file,) = alone.files
    try:
        contract = read_contract(settings.root)
        table = contract[file.table]
        malls = rows_by_mall(table, alone, [EVERY_ROW])
        whole = Found(file, alone, table, (EVERY_ROW,), 0, 0)
        keys = KeysSeen().new_by_mall(whole, KEYS[table.name])
    except duckdb.Error:
        # It may be taken back because it cannot be read; no figure is from it.
        malls, keys = {}, {}
    drop_working_database(settings.database)
    target = _retracted_folder(settings) / file.name
    target.parent.mkdir(parents=True)
    entry = _entry("file", file) | {"reason": reason}
    record(
        settings.raw_root,
        [
            entry | {"mall_id": mall, "rows": rows, "keys": keys.get(mall, 0)}
            for mall, rows in (malls or {None: 0}).items()
        ],
    )
    file.path.rename(target)
    sync(file.path.parent)
    sync(target.parent)
    return target


def _retracted_folder(settings: Settings) -> Path:
    return settings.raw_root / RETRACTED / now().replace(":", "")


def _entry(kind: str, file: LandedFile) -> dict:
    return {
        "at": now(),
        "kind": kind,
        "table": file.table,
        "file": file.name,
        # As it was before: a line is of this file and of no later one of its name.
        "stamp": list(dataclasses.astuple(file.stamp)),
        "decided_by": getpass.getuser(),
    }


def _entries(settings: Settings, kind: str, item: Found, seen: KeysSeen) -> list[dict]:
    """Return what is to be recorded of a file: how many rows of which mall.

    `keys` are those that no file before it had.
    """
    keys = seen.new_by_mall(item, KEYS[item.table.name])
    entry = _entry(kind, item.file) | {
        # Such rows had been taken out before, with a record of their own.
        "is_set_aside": settings.raw_root / RETRACTED in item.file.path.parents
    }
    return [
        entry | {"mall_id": mall, "rows": rows, "keys": keys.get(mall, 0)}
        for mall, rows in rows_by_mall(item.table, item.group, item.wanted).items()
    ]


def drop_working_database(database: Path) -> None:
    """Remove the working database: it holds what was taken out, in clear."""
    for path in (
        note_file(database),
        headers_file(database),
        *database.parent.glob(f".{database.name}.*.publishing"),
        database.with_name(f"{database.name}.wal"),
        *spilled(database),
        database,
    ):
        remove(path)
    if database.parent.is_dir():
        sync(database.parent)


def find_rows(
    settings: Settings, table: str, values: Mapping[str, str | None]
) -> list[Found]:
    """Return the landing files with rows of a key. See `rows_by_key`."""
    wanted = {table: rows_by_key(settings, table, values)}
    prepare(settings)
    return find(settings, landings_of(settings), wanted)


def check_place(settings: Settings) -> None:
    """Raise KefuError if there are no landing folders to work on."""
    folders_only(settings)
    make_working_folder(settings.database)


def prepare(settings: Settings) -> None:
    """Clear up what a killed removal left; call it under the lock."""
    remove_leftovers(settings.raw_root)
