"""Section 7: the experience score, in exact fractions.

Fractions keep ties true: two rates that are equal on paper are equal here,
and a score that lies on a threshold lies on it.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from .raw import read_seed

PLATFORM_PART = Fraction(7, 10)
HELP_PART = Fraction(3, 10)
HALF = Fraction(1, 2)


def half_tie_percentile(value, others, is_better):
    """Share of the others that the value beats, a tie counting half."""
    if not others:
        return HALF
    beaten = sum(1 for other in others if is_better(value, other))
    tied = sum(1 for other in others if other == value)
    return (beaten + HALF * tied) / len(others)


class Curve:
    def __init__(self, seed):
        self._points = sorted((Fraction(row["x"]), Fraction(row["y"])) for row in seed)

    def at(self, x):
        points = self._points
        if not points:
            return x
        if x <= points[0][0]:
            return points[0][1]
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            if x <= x1:
                return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        return points[-1][1]


class Scores:
    """Scores of all malls on all days, in order of the days."""

    def __init__(self, cohort, categories, mall_days, seeds_dir, settings):
        self.cohort = cohort
        self.categories = categories
        self.settings = settings
        weights = sorted(
            read_seed(seeds_dir, "module_weights"),
            key=lambda row: int(row["position"]),
        )
        self.weights = {row["module"]: Fraction(row["weight"]) for row in weights}
        self.curve = Curve(read_seed(seeds_dir, "score_curve"))
        self.tiers = sorted(
            (Fraction(row["min_score"]), row["tier"])
            for row in read_seed(seeds_dir, "score_tiers")
        )
        self.scores = {}
        self.rows = []
        self.module_rows = []
        malls_on = defaultdict(list)
        for mall, day in mall_days:
            malls_on[day].append(mall)
        for day in sorted(malls_on):
            self._score_day(day, sorted(malls_on[day]))

    def _score_day(self, day, malls):
        eligible = [
            mall
            for mall in malls
            if self.cohort.orders_in(mall, day) >= self.settings.score_min_orders
            and self.cohort.orders_in(mall, day) > 0
        ]
        peers = {mall: self._peers(mall, eligible) for mall in eligible}
        modules = {
            (mall, module): self._module_row(mall, day, module, peers)
            for mall in malls
            for module in self.weights
        }
        self.module_rows.extend(_as_floats(row) for row in modules.values())
        for mall in eligible:
            self.scores[mall, day] = sum(
                weight * modules[mall, module]["module_score"]
                for module, weight in self.weights.items()
            ) / sum(self.weights.values())
        for mall in malls:
            lost = {
                module: weight * (5 - modules[mall, module]["module_score"])
                for module, weight in self.weights.items()
                if mall in peers
            }
            self.rows.append(self._row(mall, day, peers, lost))

    def _peers(self, mall, eligible):
        category = [
            other
            for other in eligible
            if self.categories[other] == self.categories[mall]
        ]
        if len(category) < self.settings.score_min_peers:
            return "all", eligible
        return "category", category

    def _rate(self, mall, day, module, *platform):
        grouped = self.cohort.orders_in(mall, day)
        helped = self.cohort.help_orders(mall, day, "module", module, *platform)
        return Fraction(helped, grouped) if grouped else None

    def _module_row(self, mall, day, module, peers):
        percentiles = {"platform": None, "all": None}
        score = None
        if mall in peers:
            others = [other for other in peers[mall][1] if other != mall]
            for name, part in (("platform", ("platform",)), ("all", ())):
                percentiles[name] = half_tie_percentile(
                    self._rate(mall, day, module, *part),
                    [self._rate(o, day, module, *part) for o in others],
                    lambda mine, theirs: theirs > mine,
                )
            score = 5 * self.curve.at(
                PLATFORM_PART * percentiles["platform"] + HELP_PART * percentiles["all"]
            )
        return {
            "mall_id": mall,
            "as_of_date": day,
            "module": module,
            "module_score": score,
            "platform_help_percentile": percentiles["platform"],
            "help_seeking_percentile": percentiles["all"],
            "platform_help_rate": self._rate(mall, day, module, "platform"),
            "help_seeking_rate": self._rate(mall, day, module),
            "weight": self.weights[module],
        }

    def _row(self, mall, day, peers, lost):
        score = self.scores.get((mall, day))
        row = {
            "mall_id": mall,
            "as_of_date": day,
            "experience_score": score,
            "score_status": "insufficient_orders",
            "score_display": "--",
            "peer_scope": None,
            "category_rank": None,
            "category_percentile": None,
            "change_7d": None,
            "change_ratio_7d": None,
            "costliest_module": None,
            "score_tier": None,
            "grouped_orders_30d": self.cohort.orders_in(mall, day),
            "platform_help_rate": self._rate(mall, day, "all", "platform"),
        }
        if score is None:
            return _as_floats(row)
        scope, members = peers[mall]
        mine = round(score, 10)
        others = [
            round(self.scores[other, day], 10) for other in members if other != mall
        ]
        before = self.scores.get((mall, day - 7))
        reached = [tier for floor, tier in self.tiers if floor <= score]
        row |= {
            "score_status": "scored",
            "score_display": _two_decimals(score),
            "peer_scope": scope,
            "category_rank": 1 + sum(other > mine for other in others),
            "category_percentile": half_tie_percentile(
                mine, others, lambda mine, theirs: mine > theirs
            ),
            "change_7d": None if before is None else score - before,
            "change_ratio_7d": (score - before) / before if before else None,
            # max keeps the first of equals: the seed's position decides.
            "costliest_module": max(lost, key=lost.get),
            "score_tier": reached[-1] if reached else None,
        }
        return _as_floats(row)


def _two_decimals(score):
    exact = Decimal(score.numerator) / Decimal(score.denominator)
    return str(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def _as_floats(row):
    return {
        name: float(value) if isinstance(value, Fraction) else value
        for name, value in row.items()
    }
