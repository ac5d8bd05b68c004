"""The data: did they come whole, what became of the rows, what was checked."""

from collections import Counter

import polars as pl
import streamlit as st

from kefu.dashboard import charts, figures
from kefu.dashboard.context import Context
from kefu.dashboard.figures import Column
from kefu.dashboard.wording import clock, outcome

SOURCES = ("messages", "orders", "refunds", "complaints", "ratings")


def draw(context: Context) -> None:
    """Draw the page."""
    version(context)
    checks(context)
    completeness(context)
    balance(context)
    rejects(context)
    issues(context)


def version(context: Context) -> None:
    """Tell which version is shown, and whether it was tested."""
    words = context.words
    published = context.ask("publication").row(0, named=True)
    tests = context.manifest.get("tests")
    told = {
        "quality.as_of_end": published["as_of_end"] or figures.NOTHING,
        "quality.published_at": clock(published["published_at"], words),
        "quality.newest_row": clock(published["newest_loaded_at"], words),
        "quality.tests": words("quality.tests_told", **_counts(tests))
        if isinstance(tests, dict)
        else words("quality.not_run"),
    }
    for column, (key, value) in zip(st.columns(4), told.items(), strict=True):
        with column.container(border=True):
            st.caption(words(key))
            st.markdown(f"**{value}**")
    meanings = ["as_of_end", "newest_row", "tests"]
    figures.definitions(context, [], "define-version", meanings)


def _counts(tests: dict) -> dict[str, str]:
    return {
        name: f"{tests.get(name) or 0:,}" for name in ("passed", "warned", "failed")
    }


def checks(context: Context) -> None:
    """Draw what the audit of the last run found."""
    words = context.words
    st.subheader(words("quality.checks"))
    audit = context.manifest.get("audit")
    if not isinstance(audit, dict):
        figures.empty(words, "quality.no_audit")
        return
    # In a file without names a reason is left out, and who gave it.
    accepted = {entry["check"] for entry in context.manifest.get("accepted") or []}
    order = ("blocking", "accepted", "warning", "not_judged", "passed")
    found = sorted(
        ((outcome(check, accepted), check) for check in audit.get("checks", [])),
        key=lambda judged: order.index(judged[0]),
    )
    by_outcome = Counter(name for name, _ in found)
    st.markdown(
        words("list.separator").join(
            words("quality.check_count", outcome=words(f"check.{name}"), checks=count)
            for name, count in by_outcome.items()
        )
    )
    rows = [
        {
            "outcome": words(f"check.{name}"),
            "name": words.check(check["name"], check.get("meaning") or ""),
            "observed": check.get("observed"),
            "advice": ""
            if check["success"]
            else words.advice(check["name"], check.get("advice") or ""),
            "reason": check.get("accepted_reason") or check.get("not_judged") or "",
            "check": check["name"],
        }
        for name, check in found
    ]
    if not rows:
        figures.empty(words)
        return
    schema = {name: pl.Int64 if name == "observed" else pl.String for name in rows[0]}
    frame = pl.DataFrame(rows, schema=schema, strict=False)
    columns = {
        "outcome": Column(words("column.outcome")),
        "name": Column(words("column.check")),
        "observed": Column(words("column.findings"), "findings", meaning="findings"),
        "advice": Column(words("column.advice")),
        "reason": Column(words("column.reason")),
        "check": Column(words("column.check_id")),
    }
    figures.table(context, frame, columns, key="checks")


def completeness(context: Context) -> None:
    """Draw on which days which malls' data were thin or missing."""
    words = context.words
    st.subheader(words("quality.completeness"))
    st.caption(words("quality.completeness_how"))
    found = context.ask("completeness", as_of=context.as_of)
    if found.is_empty():
        figures.empty(words)
        return
    days = sorted(set(found["date_day"].to_list()))
    lacking = {
        (row["source"], row["date_day"]): row["malls"]
        for row in found.filter(pl.col("status").is_in(["low", "missing"]))
        .group_by("source", "date_day")
        .agg(pl.col("malls").sum())
        .iter_rows(named=True)
    }
    statuses = found.group_by("status").agg(pl.col("malls").sum()).sort("status")
    st.markdown(
        words("list.separator").join(
            words(
                "quality.status_count",
                status=words(f"completeness.{name}"),
                days=f"{count:,}",
            )
            for name, count in statuses.iter_rows()
        )
    )
    figures.definitions(context, [], "define-completeness", ["completeness"])
    if not lacking:
        # Of what nothing was judged nothing good is said either.
        if set(statuses["status"]) == {"not_judged"}:
            st.info(words("quality.nothing_judged"))
        else:
            st.success(words("quality.nothing_lacking"))
        return
    series = {
        words(f"source.{source}"): [lacking.get((source, day), 0) for day in days]
        for source in SOURCES
        if any(key[0] == source for key in lacking)
    }
    chart = charts.columns(
        days, series, unit="malls", title=words("axis.malls_lacking"), words=words
    )
    figures.chart(
        context,
        chart,
        "completeness",
        words("quality.completeness"),
        meanings=["completeness"],
    )
    gaps = context.ask("completeness_gaps", as_of=context.as_of).with_columns(
        mall=pl.col("mall_id").map_elements(context.mall, return_dtype=pl.String),
        told=pl.col("status").map_elements(
            lambda status: words(f"completeness.{status}"), return_dtype=pl.String
        ),
        from_source=_source(context),
    )
    columns = {
        "date_day": Column(words("axis.day")),
        "from_source": Column(words("column.source")),
        "mall": Column(words("column.mall")),
        "told": Column(words("column.status")),
        "rows": Column(words("column.rows"), "rows", meaning="completeness"),
        "expected_rows": Column(
            words("column.expected_rows"), "rows", meaning="completeness"
        ),
        "days_silent": Column(
            words("column.days_silent"), "days", meaning="completeness"
        ),
    }
    figures.table(context, gaps, columns, key="completeness")


def _source(context: Context) -> pl.Expr:
    return pl.col("source").map_elements(
        lambda source: context.words(f"source.{source}"), return_dtype=pl.String
    )


def balance(context: Context) -> None:
    """Draw what became of the landed rows."""
    words = context.words
    st.subheader(words("quality.balance"))
    st.caption(words("quality.balance_how"))
    found = context.ask("balance").with_columns(from_source=_source(context))
    if found.height:
        off = int(found["difference"].abs().sum())
        if off:
            st.error(words("quality.balance_off", rows=off))
        else:
            st.success(words("quality.balance_right"))
    found = found.sort("rows_landed", descending=True, maintain_order=True)
    counts = ("rows_landed", "rows_current", "rows_superseded", "rows_rejected")
    columns = {
        "from_source": Column(words("column.source")),
        **{
            name: Column(words(f"column.{name}"), "rows", meaning="balance")
            for name in counts
        },
        "difference": Column(words("column.difference"), "rows", meaning="balance"),
        "loads": Column(words("column.loads"), "loads", meaning="balance"),
        "first_load": Column(words("column.first_load")),
        "last_load": Column(words("column.last_load")),
    }
    figures.table(context, found, columns, key="balance")


def rejects(context: Context) -> None:
    """Draw why rows were rejected."""
    words = context.words
    st.subheader(words("quality.rejects"))
    found = context.ask("rejects").with_columns(
        from_source=_source(context),
        why=pl.col("reason").map_elements(words.reason, return_dtype=pl.String),
    )
    columns = {
        "from_source": Column(words("column.source")),
        "why": Column(words("column.reason")),
        "rows": Column(words("column.rows"), "rows", meaning="rejected"),
        "first_load": Column(words("column.first_load")),
        "last_load": Column(words("column.last_load")),
        "reason": Column(words("column.reason_id")),
    }
    figures.table(context, found, columns, key="rejects")


def issues(context: Context) -> None:
    """Draw values that could not be read, and members that nobody knows."""
    words = context.words
    st.subheader(words("quality.issues"))
    st.caption(words("quality.issues_how"))
    found = context.ask("issues").with_columns(
        from_source=_source(context),
        what=pl.col("issue").map_elements(
            lambda issue: words(f"issue.{issue}"), return_dtype=pl.String
        ),
    )
    columns = {
        "from_source": Column(words("column.source")),
        "column_name": Column(words("column.column")),
        "what": Column(words("column.issue")),
        "rows": Column(words("column.rows"), "rows", meaning="issues"),
        "last_load": Column(words("column.last_load")),
    }
    figures.table(context, found, columns, key="issues")
