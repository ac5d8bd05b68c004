"""Which days of a source came whole, mall by mall.

A source's rows are counted by the day of their event.  What a day should have
is told by the mall's own last days with rows (`completeness_window_days` of
them): their lower median, or that of as many days before them if it is larger
(and `completeness_min_days` of those are there), and the gap between days with
rows that nine in ten do not exceed.

- missing: no rows, and expected rows times the usual gaps that have passed
  since the last rows reach `completeness_min_rows`.  Only up to 29 days after the
  mall's last row of any source.
- low: some rows, fewer than `completeness_low_share` of the expected, and the
  square of the shortfall over the expected reaches `completeness_min_rows`.
- complete: that share is reached, and so much is expected that a day without
  rows would be missing.
- not_judged: anything else, and whatever has too few days with rows before.

A day of a mall that is not judged by itself is missing (no rows) or low (fewer
than that share of the expected) if all malls together are judged low or missing
on it, up to 29 days after the mall's last row of any source.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from fractions import Fraction

from .raw import CONTRACTS, DAY

LIFE = 29
EVERY_MALL = None
SOURCES = ("messages", "orders", "refunds", "complaints", "ratings")
RESTS_ON = {
    "agent_kpi_30d": set(SOURCES),
    "mall_kpi_30d": set(SOURCES),
    "mall_benchmarks_30d": set(SOURCES),
    "help_seeking_rate_30d": set(SOURCES) - {"ratings"},
    "core_issues_30d": set(SOURCES) - {"ratings"},
    "experience_score_30d": set(SOURCES) - {"ratings"},
    "experience_module_scores_30d": set(SOURCES) - {"ratings"},
    "agent_service_score_30d": {"messages"},
}


class Feed:
    """The rows of one source, of one mall or of every mall, by day."""

    def __init__(self, rows_by_day, settings):
        self.rows = rows_by_day
        self.days = sorted(rows_by_day)
        self.settings = settings

    def row(self, day, is_alive):
        """What can be said of a day: its columns but the keys."""
        before = bisect_left(self.days, day)
        first = max(0, before - self.settings.completeness_window_days)
        seen = self.days[first:before]
        earlier = self.days[
            max(0, first - self.settings.completeness_window_days) : first
        ]
        gaps = sorted(
            self.days[place] - self.days[place - 1]
            for place in range(max(first, 1), before)
        )
        rows = self.rows.get(day, 0)
        row = {
            "rows": rows,
            "expected_rows": self._expected(seen, earlier),
            "usual_gap_days": gaps[-(-9 * len(gaps) // 10) - 1] if gaps else None,
            "days_silent": 0 if rows else day - seen[-1],
        }
        is_young = len(seen) < self.settings.completeness_min_days
        status = "not_judged" if is_young else self._status(**row, is_alive=is_alive)
        return row | {"status": status}

    def _expected(self, seen, earlier):
        spans = [seen] if seen else []
        if len(earlier) >= self.settings.completeness_min_days:
            spans.append(earlier)
        middles = [
            sorted(self.rows[day] for day in span)[(len(span) - 1) // 2]
            for span in spans
        ]
        return max(middles, default=None)

    def _status(self, rows, expected_rows, usual_gap_days, days_silent, is_alive):
        enough = self.settings.completeness_min_rows
        if rows == 0:
            lost = expected_rows * (days_silent // usual_gap_days)
            return "missing" if is_alive and lost >= enough else "not_judged"
        share = Fraction(str(self.settings.completeness_low_share))
        if rows >= share * expected_rows:
            return "complete" if expected_rows >= enough else "not_judged"
        weight = Fraction((expected_rows - rows) ** 2, expected_rows)
        return "low" if weight >= enough else "not_judged"


class Completeness:
    def __init__(self, sources, settings, last_day):
        counted = defaultdict(Counter)
        for source in SOURCES:
            moment = CONTRACTS[source].event
            for row in sources[source].current:
                day = row[moment] // DAY
                if day <= last_day:
                    counted[row["mall_id"], source][day] += 1
                    counted[EVERY_MALL, source][day] += 1
        days_with_rows = defaultdict(set)
        for (mall, _), rows in counted.items():
            days_with_rows[mall] |= rows.keys()
        self._life = {mall: sorted(days) for mall, days in days_with_rows.items()}
        self._low_share = Fraction(str(settings.completeness_low_share))
        feeds = {key: Feed(rows, settings) for key, rows in counted.items()}
        self.rows = []
        self._incomplete = defaultdict(set)
        for (mall, source), feed in feeds.items():
            if mall is EVERY_MALL:
                continue
            together = feeds[EVERY_MALL, source]
            for day in range(feed.days[0], last_day + 1):
                self._judge(mall, source, day, feed, together)

    def _is_alive(self, mall, day):
        days = self._life[mall]
        return day - days[bisect_left(days, day + 1) - 1] <= LIFE

    def _judge(self, mall, source, day, feed, together):
        is_alive = self._is_alive(mall, day)
        row = feed.row(day, is_alive)
        of_all = together.row(day, self._is_alive(EVERY_MALL, day))
        if (
            row["status"] == "not_judged"
            and is_alive
            and of_all["status"] in ("low", "missing")
            and row["expected_rows"] is not None
            and row["rows"] < self._low_share * row["expected_rows"]
        ):
            row["status"] = "low" if row["rows"] else "missing"
        if row["status"] in ("low", "missing"):
            self._incomplete[mall, source].add(day)
        self.rows.append({"mall_id": mall, "source": source, "date_day": day, **row})

    def incomplete_days(self, mall, source, first, last):
        """Tell how many days of a mall's source are low or missing."""
        days = self._incomplete.get((mall, source), ())
        return sum(first <= day <= last for day in days)

    def flag(self, table, rows):
        """Add incomplete_days_30d and is_complete to the rows of a table."""
        for row in rows:
            last = row["as_of_date"]
            days = {
                day
                for source in RESTS_ON[table]
                for day in self._incomplete.get((row["mall_id"], source), ())
                if last - LIFE <= day <= last
            }
            row["incomplete_days_30d"] = len(days)
            row["is_complete"] = not days
