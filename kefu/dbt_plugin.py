"""The dbt-duckdb plugin: makes a plain `dbt build` read the landings.

On connecting it freezes and checks the input, creates the views raw.<table> and
those that builds read, raw.<table>_native and raw.<table>_unread, in the working
database, and gives every cursor the key for buyer_key as a DuckDB variable, which
dbt writes to no manifest and no log.
"""

import contextlib
import datetime as dt
import functools
import os
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.contracts.connection import Connection
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

from kefu import ledger
from kefu.contract import read_contract
from kefu.errors import KefuError
from kefu.fingerprint import code_digest
from kefu.privacy_key import check_value, weakness
from kefu.privacy_log import install, without_landed_values
from kefu.raw_input import open_working_database, read_input
from kefu.raw_views import native_sql, with_no_native
from kefu.settings import Settings
from kefu.sql import quote_name, quote_text

logger = AdapterLogger("Kefu")

# Names of the audit's checks that may fail this time, as in "codes,malls".
ACCEPTED = "KEFU_ACCEPTED"
FUTURE_LOADS = "loaded_in_future"

# What dbt built in this process, so that a run publishes nothing else.
opened_by_dbt: set[Path] = set()


class Plugin(BasePlugin):
    """Ties the working database to the raw root; see the module's text."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Resolve the settings once for all connections of this process."""
        install()
        cancel_what_is_open()
        try:
            self.settings = Settings.from_env()
        except KefuError as error:
            raise DbtRuntimeError(str(error)) from error

    def update_connection_config(
        self, creds: DuckDBCredentials, config: dict[str, Any]
    ) -> None:
        """Check the input, then that the working database can be opened.

        In this order a bad delivery leaves not even an empty database.
        """
        try:
            self.views = read_input(self.settings)
            open_working_database(creds.path, config)
            opened_by_dbt.add(Path(creds.path).resolve())
        except KefuError as error:
            raise DbtRuntimeError(str(error)) from error
        for warning in self.views.warnings:
            logger.warning(warning)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Create the raw views, and attach the landed database if one is set."""
        catalog = quote_name(conn.execute("select current_database()").fetchone()[0])
        try:
            for statement in self.views.prepare:
                conn.execute(statement)
            conn.execute(f"create schema if not exists {catalog}.raw")
            for table in read_contract(self.settings.root):
                conn.execute(
                    f"create or replace view {catalog}.raw.{quote_name(table)}"
                    f" as {self.views.queries[table]}"
                )
            self._open_ledger(conn, catalog)
        except duckdb.Error as error:
            raise DbtRuntimeError(
                f"the raw views cannot be made: {without_landed_values(error)}"
            ) from None

    def _open_ledger(self, conn: duckdb.DuckDBPyConnection, catalog: str) -> None:
        """Make the ledger, and the views that builds read: of all and of the unread."""
        known = ledger.read(conn)
        landing = self.views.landing
        present = (
            ledger.entries_of_files(landing.files, known)
            if landing
            else ledger.entries_of_views(conn, self.views.queries)
        )
        compared = ledger.compare(present, known, ledger.Span.from_env())
        ledger.write_down(conn, compared)
        views = ledger.run_views()
        for name, table in read_contract(self.settings.root).items():
            views[f"{name}_native"] = native = (
                native_sql(table, landing)
                if landing
                else with_no_native(table, self.views.queries[name])
            )
            views[f"{name}_unread"] = (
                native_sql(table, landing, compared.unread)
                if landing
                else ledger.unread_view(native, compared)
            )
        for name, query in views.items():
            conn.execute(
                f"create or replace view {catalog}.raw.{quote_name(name)} as {query}"
            )

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Set what a cursor does not take over from its connection."""
        key = self.settings.buyer_key
        cursor.execute("set TimeZone = 'UTC'")
        for name, value in (
            ("kefu_buyer_key", key),
            ("kefu_code_digest", code_digest(self.settings.root)),
            ("kefu_buyer_key_check", check_value(key)),
            ("kefu_buyer_key_weakness", weakness(key) or "none"),
        ):
            cursor.execute(f"set variable {name} = {quote_text(value)}")
        latest = latest_load(dt.datetime.now(dt.UTC))
        cursor.execute(
            "set variable kefu_latest_load ="
            f" cast({quote_text(latest) if latest else 'null'} as timestamp)"
        )


@functools.cache
def cancel_what_is_open() -> None:
    """Have dbt-duckdb interrupt queries without breaking on one that just ended.

    Its thread may close a connection between dbt's look and the interruption. DuckDB
    refuses that, and dbt would tell this instead of who asked it to stop, and leave
    the other queries running.
    """
    cancel = DuckDBConnectionManager.cancel

    def cancel_if_open(self: DuckDBConnectionManager, connection: Connection) -> None:
        with contextlib.suppress(duckdb.ConnectionException):
            cancel(self, connection)

    DuckDBConnectionManager.cancel = cancel_if_open


def latest_load(now: dt.datetime) -> str | None:
    """Return the last moment (UTC) at which a row can have been loaded.

    A day after the clock, since clocks differ and a little is for the audit to
    judge. None if a later one was accepted by name, as `kefu run --accept` does.
    """
    if FUTURE_LOADS in os.environ.get(ACCEPTED, "").split(","):
        return None
    return f"{now.astimezone(dt.UTC) + dt.timedelta(days=1):%Y-%m-%d %H:%M:%S}"
