"""The dates on which data tests take 30-day figures anew: none is left out for ever."""

import datetime as dt
import functools

import duckdb
import jinja2
import pytest
from conftest import ROOT

END = dt.date(2026, 10, 30)
OLD = range(-1000, -900)
TEXT = (ROOT / "macros" / "recounted_dates.sql").read_text(encoding="utf-8")


@functools.cache
def in_memory() -> duckdb.DuckDBPyConnection:
    """Return one database for all, since to open it takes longest."""
    return duckdb.connect()


@functools.cache
def query(every: int) -> str:
    """Return the macro's text over a table of one as-of end."""
    call = f"{TEXT}{{{{ recounted_dates(every={every}) }}}}"
    return jinja2.Environment().from_string(call).render(ref=lambda name: name)


def days_before(end: dt.date, every: int = 1) -> set[int]:
    """Return how many days before an as-of end the recounted dates lie."""
    database = in_memory()
    database.execute(
        f"create or replace table int_as_of_end as select date '{end}' as as_of_end"
    )
    dates = [date for (date,) in database.execute(query(every)).fetchall()]
    assert len(set(dates)) == len(dates)
    return {(end - date).days for date in dates}


def test_the_newest_dates_are_all_recounted() -> None:
    """Two months of them, and four weeks on which nothing must be."""
    recounted = days_before(END)
    assert recounted >= set(range(-28, 60))
    assert 60 not in recounted and 65 in recounted
    # Back to the day before which no event is accepted.
    assert max(recounted) > (END - dt.date(2015, 9, 1)).days - 13


def ages_seen(step: int, runs: int, every: int) -> list[int]:
    """Return which of 100 old dates so many runs recount, so often as they do."""
    seen: list[int] = []
    for run in range(runs):
        moved = run * step
        recounted = days_before(END + dt.timedelta(days=moved), every)
        seen += [day for day in OLD if moved - day in recounted]
    return sorted(seen)


@pytest.mark.parametrize("step", [1, 7, 28, 30, 31])
def test_older_dates_come_in_turn(step: int) -> None:
    """However many days lie between two runs, 13 of them come past every date."""
    assert ages_seen(step, runs=13, every=1) == list(OLD)


@pytest.mark.parametrize(("step", "runs"), [(1, 7 * 91), (7, 91)])
def test_each_seventh_of_them_comes_in_turn(step: int, runs: int) -> None:
    """Of weekly runs, too, though these end on one weekday always."""
    assert set(ages_seen(step, runs, every=7)) == set(OLD)


def test_each_seventh_of_them() -> None:
    for moved in range(14):
        recounted = days_before(END + dt.timedelta(days=moved), every=7)
        (shift,) = {day % 7 for day in recounted}
        newest = set(range(shift - 28, 60, 7))
        assert {day for day in recounted if day < 60} == newest
        assert {day for day in recounted if 60 <= day < 300} == {
            day for day in range(shift, 300, 91) if day >= 60
        }
