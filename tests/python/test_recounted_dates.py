"""The dates on which data tests take 30-day figures anew: none is left out for ever."""

import datetime as dt

import duckdb
import jinja2
import pytest
from conftest import ROOT

END = dt.date(2026, 10, 30)
TEXT = (ROOT / "macros" / "recounted_dates.sql").read_text(encoding="utf-8")


def days_before(end: dt.date, every: int = 1) -> set[int]:
    """Return how many days before an as-of end the recounted dates lie."""
    call = f"{TEXT}{{{{ recounted_dates(every={every}) }}}}"
    query = jinja2.Environment().from_string(call).render(ref=lambda name: name)
    with duckdb.connect() as connection:
        connection.execute(
            "create table int_as_of_end as select cast(? as date) as as_of_end", [end]
        )
        dates = [date for (date,) in connection.execute(query).fetchall()]
    assert len(set(dates)) == len(dates)
    return {(end - date).days for date in dates}


def test_the_newest_dates_are_all_recounted() -> None:
    """Two months of them, and four weeks on which nothing must be."""
    recounted = days_before(END)
    assert recounted >= set(range(-28, 60))
    assert 60 not in recounted and 65 in recounted
    # Back to the day before which no event is accepted.
    assert max(recounted) > (END - dt.date(2015, 9, 1)).days - 13


@pytest.mark.parametrize("step", [1, 7, 28, 30, 31])
def test_older_dates_come_in_turn(step: int) -> None:
    """However many days lie between two runs, 13 of them come past every date."""
    old = range(-1000, -900)
    seen: list[int] = []
    for run in range(13):
        moved = run * step
        recounted = days_before(END + dt.timedelta(days=moved))
        seen += [day for day in old if moved - day in recounted]
    assert sorted(seen) == list(old)


def test_each_seventh_of_them() -> None:
    recounted = days_before(END, every=7)
    assert all(day % 7 == 0 for day in recounted)
    assert {day for day in recounted if 0 <= day < 60} == set(range(0, 60, 7))
    assert {day for day in recounted if 60 <= day < 300} == {91, 182, 273}
