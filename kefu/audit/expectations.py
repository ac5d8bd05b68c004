"""The checks as suites of Great Expectations, and what came of running them."""

import logging
import math
import os
from collections.abc import Iterable
from typing import Any

from kefu.audit.checks import Check, RangesCheck, RowsCheck
from kefu.audit.config import BLOCKING, Config
from kefu.audit.engine import WORKING
from kefu.audit.measured import Measured
from kefu.audit.report import ROWS_KEPT, Outcome
from kefu.errors import KefuError
from kefu.sql import quote_name

# Names of Great Expectations for ours.
GX_SEVERITY = {True: "critical", False: "warning"}


class Judge:
    """Builds the suites over an audit database, runs them, reads the results."""

    def __init__(self, measured: Measured, config: Config, run_id: str) -> None:
        """Prepare a context in memory that tells nobody of this run."""
        # Read when the package is imported, so it must be set before.
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        import great_expectations as gx  # noqa: PLC0415
        from great_expectations.data_context.types.base import (  # noqa: PLC0415
            ProgressBarsConfig,
        )

        # It tells of every step, to whoever listens at the root.
        logging.getLogger("great_expectations").propagate = False
        self.gx = gx
        self.measured = measured
        self.config = config
        self.run_id = run_id
        self.context = gx.get_context(mode="ephemeral")
        self.context.variables.progress_bars = ProgressBarsConfig(globally=False)
        self.source = self.context.data_sources.add_sql(
            "kefu", connection_string=measured.database.url
        )
        # By suite and table: the expectations that will be asked of it.
        self.expectations: dict[tuple[str, str], list[Any]] = {}

    def close(self) -> None:
        """Let go of the audit database, as Great Expectations itself never does."""
        from great_expectations.data_context.data_context import (  # noqa: PLC0415
            context_factory,
        )

        self.source.get_engine().dispose()
        context_factory.set_context(None)

    def judge(self, checks: Iterable[Check]) -> list[Outcome]:
        """Run all checks that can be judged; return an outcome for each.

        Raises KefuError if a check cannot be evaluated: what was not looked at
        must not count as good.
        """
        outcomes = {check.name: self._outcome(check) for check in checks}
        for check in checks:
            self._expect(check, outcomes[check.name])
        for suite in sorted({suite for suite, _ in self.expectations}):
            self._run(suite, outcomes)
        for check in checks:
            if outcomes[check.name].success is False:
                self._find_keys(check, outcomes[check.name])
        return list(outcomes.values())

    def _outcome(self, check: Check) -> Outcome:
        rule = self.config.rules[check.name]
        return Outcome(
            check.name, check.suite, rule.severity, check.meaning, rule.advice
        )

    # --- suites ---

    def _expect(self, check: Check, outcome: Outcome) -> None:
        expectations = self.gx.expectations
        common = {
            "severity": GX_SEVERITY[outcome.severity == BLOCKING],
            "description": check.meaning,
            "meta": {"check": check.name, "advice": outcome.advice},
        }
        if isinstance(check, RowsCheck):
            if not self._has_rows(check.table):
                outcome.not_judged = check.needs
                return
            query = check.query(self.config.rules[check.name].thresholds)
            self._add(
                check.suite,
                check.table,
                expectations.UnexpectedRowsExpectation(
                    unexpected_rows_query=query, **common
                ),
            )
            return
        columns = self._ranged(check)
        for table, column, least, most in columns:
            self._add(
                f"{check.suite}_columns",
                f"marts.{table}",
                expectations.ExpectColumnValuesToBeBetween(
                    column=column, min_value=least, max_value=most, **common
                ),
            )
        if not columns:
            outcome.not_judged = "no marts with these columns"

    def _add(self, suite: str, table: str, expectation: Any) -> None:
        self.expectations.setdefault((suite, table), []).append(expectation)

    def _has_rows(self, table: str) -> bool:
        name = table.removeprefix("audit.")
        return self.measured.has_measure(name) and bool(
            self.measured.run(f"select 1 from {table} limit 1")
        )

    def _ranged(self, check: RangesCheck) -> list[tuple[str, str, float, float]]:
        """Return table, column, least and largest value of what is there."""
        return [
            (table, column, least, most)
            for table, keys in check.keys.items()
            for column, (least, most) in check.ranges.items()
            if self.measured.has(f"{WORKING}.marts", table, *keys, column)
        ]

    # --- running ---

    def _run(self, suite: str, outcomes: dict[str, Outcome]) -> None:
        """Run the suite's tables as one checkpoint and note the results."""
        gx, context = self.gx, self.context
        definitions = []
        for (of_suite, table), expectations in self.expectations.items():
            if of_suite != suite:
                continue
            schema, name = table.split(".")
            # A view, because Great Expectations looks for tables in the default
            # schema, and asks the catalog for each column: so it has no more
            # than are looked at.
            relation, listed = table, "*"
            if schema == "marts":
                relation = f"{WORKING}.marts.{quote_name(name)}"
                listed = ", ".join(map(quote_name, sorted(_columns(expectations))))
            self.measured.run(
                f"create view main.{quote_name(name)} as select {listed}"
                f" from {relation}"
            )
            asset = self.source.add_table_asset(f"{suite}.{name}", table_name=name)
            definitions.append(
                context.validation_definitions.add(
                    gx.ValidationDefinition(
                        name=f"{suite}.{name}",
                        data=asset.add_batch_definition_whole_table("all rows"),
                        suite=context.suites.add(
                            gx.ExpectationSuite(
                                name=f"{suite}.{name}", expectations=expectations
                            )
                        ),
                    )
                )
            )
        # What is out of range in a mart is found again with its keys.
        detail = "BOOLEAN_ONLY" if suite.endswith("columns") else "COMPLETE"
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name=suite,
                validation_definitions=definitions,
                result_format={"result_format": detail},
            )
        )
        # Without a time it is guessed from the name, whose end can read as a zone.
        named = gx.RunIdentifier(run_name=self.run_id, run_time=self.measured.now)
        done = checkpoint.run(run_id=named)
        for validated in done.run_results.values():
            for result in validated.results:
                _note(result, outcomes[result.expectation_config.meta["check"]])

    # --- keys of what failed ---

    def _find_keys(self, check: Check, outcome: Outcome) -> None:
        """Tell which rows of the marts are out of range."""
        if isinstance(check, RowsCheck):
            return
        for table, column, least, most in self._ranged(check):
            cursor = self.measured.database.connection.execute(
                f"select '{table}' as table_name, {', '.join(check.keys[table])},"
                f" '{column}' as column_name, {column} as value"
                f" from {WORKING}.marts.{table}"
                f" where {column} < {least} or {column} > {most}"
                " order by all"
            )
            titles = [entry[0] for entry in cursor.description]
            rows = cursor.fetchall()
            outcome.observed = (outcome.observed or 0) + len(rows)
            outcome.keys += [
                plain(dict(zip(titles, row, strict=True)))
                for row in rows[: ROWS_KEPT - len(outcome.keys)]
            ]


def _note(result: Any, outcome: Outcome) -> None:
    """Add a result of one expectation to the outcome of its check."""
    failed = result.exception_info or {}
    if failed.get("raised_exception") or any(
        isinstance(entry, dict) and entry.get("raised_exception")
        for entry in failed.values()
    ):
        raise KefuError(
            f"the check {outcome.name} of the audit could not be evaluated: build"
            " again; if that does not help, the working database and the package"
            " are of different versions"
        )
    outcome.success = bool(result.success) and outcome.success is not False
    found = result.result or {}
    rows = (found.get("details") or {}).get("unexpected_rows") or []
    outcome.observed = (outcome.observed or 0) + int(found.get("observed_value") or 0)
    outcome.keys += [plain(dict(row)) for row in rows[: ROWS_KEPT - len(outcome.keys)]]


def _columns(expectations: list[Any]) -> set[str]:
    """Return the columns that expectations of a mart look at."""
    return {expectation.column for expectation in expectations}


def plain(row: dict) -> dict:
    """Return a row with values that JSON can hold."""
    return {
        name: value
        if value is None
        or isinstance(value, bool | int | str)
        or (isinstance(value, float) and math.isfinite(value))
        else str(value)
        for name, value in row.items()
    }
