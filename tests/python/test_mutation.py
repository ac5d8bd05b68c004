"""The machine behind `make mutation`: what it changes, notices and reports."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from compiled_project import Project, compiled_project
from conftest import ROOT
from mutation.__main__ import (
    ANY,
    Entry,
    Outcome,
    chosen,
    gathered,
    read_listed,
    read_skipped,
    report,
    score,
)
from mutation.operators import Mutation, apply, mutations_of, parse, render
from mutation.units import UnitTests, compile_unit_tests
from mutation.worlds import SURVIVED, World
from reference.compute import compute
from test_agreement import KEY, LOTS, nasty_lot

OPERATORS = [
    ("boundary moved", "select a < 2", "SELECT a <= 2"),
    ("comparison flipped", "select a >= b", "SELECT a < b"),
    ("comparison flipped", "select a is null", "SELECT NOT a IS NULL"),
    ("null safety removed", "select a is distinct from b", "SELECT a <> b"),
    ("boundary moved", "select a between 1 and b", "SELECT (a > 1 AND a <= b)"),
    ("filter dropped", "select a between 1 and b", "SELECT a <= b"),
    ("list shortened", "select a in ('x', 'y')", "SELECT a IN ('y')"),
    ("constant changed", "select a + 7", "SELECT a + 8"),
    ("constant changed", "select a + 7", "SELECT a + 6"),
    ("constant changed", "select 0.75", "SELECT 0.825"),
    ("constant changed", "select 'x'", "SELECT 'x~'"),
    (
        "constant changed",
        "select date '2024-02-29'",
        "SELECT CAST('2024-03-01' AS DATE)",
    ),
    ("constant changed", "select true", "SELECT FALSE"),
    ("filter dropped", "select 1 from t where a and b", "SELECT 1 FROM t WHERE b"),
    ("filter dropped", "select 1 from t where a", "SELECT 1 FROM t"),
    ("filter dropped", "select max(a) from t having b", "SELECT MAX(a) FROM t"),
    ("filter dropped", "select a from t qualify b", "SELECT a FROM t"),
    ("filter dropped", "select sum(a) filter (where b)", "SELECT SUM(a)"),
    (
        "filter dropped",
        "select 1 from t join u on t.a = u.a and t.b = u.b",
        "SELECT 1 FROM t JOIN u ON t.a = u.a",
    ),
    ("alternative dropped", "select a or b", "SELECT a"),
    ("and/or swapped", "select a and b", "SELECT (a OR b)"),
    ("not removed", "select not a", "SELECT a"),
    (
        "join type changed",
        "select 1 from t left join u on t.a = u.a",
        "SELECT 1 FROM t INNER JOIN u ON t.a = u.a",
    ),
    (
        "join type changed",
        "select 1 from t inner join u using (a)",
        "SELECT 1 FROM t LEFT JOIN u USING (a)",
    ),
    (
        "join type changed",
        "select 1 from t anti join u on t.a = u.a",
        "SELECT 1 FROM t SEMI JOIN u ON t.a = u.a",
    ),
    ("aggregate swapped", "select sum(a)", "SELECT MAX(a)"),
    ("aggregate swapped", "select arg_min(a, b)", "SELECT ARG_MAX(a, b)"),
    ("aggregate swapped", "select bool_or(a)", "SELECT BOOL_AND(a)"),
    ("aggregate swapped", "select count(*)", "SELECT MAX(1)"),
    ("distinct dropped", "select count(distinct a)", "SELECT COUNT(a)"),
    ("distinct dropped", "select distinct a", "SELECT a"),
    (
        "distinct dropped",
        "select 1 union select 2",
        "SELECT 1 UNION ALL SELECT 2",
    ),
    (
        "union arm dropped",
        "select 1 union all select 2 union all select 3",
        "SELECT 1 UNION ALL SELECT 2",
    ),
    (
        "union arm dropped",
        "with t as (select 1) from t union all select 2",
        "WITH t AS (SELECT 1) SELECT 2",
    ),
    ("coalesce removed", "select coalesce(a, 0)", "SELECT a"),
    ("nullif removed", "select nullif(a, 0)", "SELECT a"),
    ("arithmetic swapped", "select a - b", "SELECT a + b"),
    (
        "case branch dropped",
        "select case when a then 1 when b then 2 end",
        "SELECT CASE WHEN b THEN 2 END",
    ),
    (
        "case branch dropped",
        "select case when a then 1 else 2 end",
        "SELECT CASE WHEN a THEN 1 END",
    ),
    (
        "order turned",
        "select row_number() over (order by a)",
        "SELECT ROW_NUMBER() OVER (ORDER BY a DESC)",
    ),
    (
        "partition widened",
        "select sum(a) over (partition by b, c)",
        "SELECT SUM(a) OVER (PARTITION BY c)",
    ),
    (
        "frame changed",
        "select sum(a) over (order by b rows between unbounded preceding"
        " and current row)",
        "SELECT SUM(a) OVER (ORDER BY b rows BETWEEN UNBOUNDED preceding"
        " AND UNBOUNDED FOLLOWING)",
    ),
]


UNSEEN = [
    "select sha256(a)",
    "select epoch_ms(a)",
    "select cast(a as decimal(18, 2))",
    "select a from t semi join u on exists (select 1 from v)",
]


@pytest.mark.parametrize(("kind", "before", "after"), OPERATORS)
def test_operator(kind: str, before: str, after: str) -> None:
    tree = parse(before)
    made = {
        render(apply(mutation, tree))
        for mutation in mutations_of(tree)
        if mutation.kind == kind
    }

    assert render(parse(after)) in made
    assert render(tree) not in made


@pytest.mark.parametrize("query", UNSEEN)
def test_what_no_result_depends_on_is_left(query: str) -> None:
    kinds = {mutation.kind for mutation in mutations_of(parse(query))}

    assert kinds <= {"join type changed"}


def test_a_change_is_found_again_with_other_literals_and_nowhere_else() -> None:
    tree = parse("with t as (select a from u where a > 5) select a from t")
    (mutation,) = [each for each in mutations_of(tree) if each.kind == "boundary moved"]
    same = "with v as (select 1), t as (select a from u where a > 100) select a from t"
    other = "with t as (select a from u where b > 5) select a from t"

    assert "a >= 100" in render(apply(mutation, parse(same)))
    assert apply(mutation, parse(other)) is None
    assert apply(mutation, parse("select a from u where a > 5")) is None


def test_what_only_some_vars_compile_is_changed_too() -> None:
    plain, longer = parse("select a < 1"), parse("select a < 1, b < 2")
    words = [mutation.words for mutation in gathered([plain, longer])]

    assert len(words) == len(set(words)) == len(mutations_of(longer))


def test_the_sample_takes_every_kind_and_is_always_the_same() -> None:
    found = [
        Mutation(kind, ((str(number), None),), 0, "", f"{kind} {number}")
        for kind in ("first", "second", "third")
        for number in range(5)
    ]
    taken = chosen("some_model", found, 4)

    assert {each.kind for each in taken} == {"first", "second", "third"}
    assert chosen("some_model", found[::-1], 4) == taken
    assert len(chosen("some_model", found, None)) == 15


# --- the project itself ---


@pytest.fixture(scope="module")
def project() -> Project:
    return compiled_project(**LOTS["defaults"][1])


@pytest.fixture(scope="module")
def world(
    project: Project, built_lots: dict, tmp_path_factory: pytest.TempPathFactory
) -> World:
    raw_root, _ = nasty_lot("defaults", built_lots, tmp_path_factory)
    variables = LOTS["defaults"][1] | {"buyer_key": KEY}
    expected = compute(raw_root, ROOT / "seeds", variables)
    return World(project, raw_root, expected, KEY, with_tests=True)


@pytest.mark.parametrize(
    ("model", "before", "after", "state", "by"),
    [
        (
            "int_as_of_end",
            "- 1 as last_complete_day",
            "- 2 as last_complete_day",
            "killed",
            "reference of ",
        ),
        (
            "dim_malls",
            "select * from final",
            "select 1 as mall_id",
            "killed",
            "contract",
        ),
        (
            "dim_dates",
            "select * from final",
            "from final limit 9",
            "killed",
            "data test",
        ),
        ("int_as_of_end", "max(newest", "max(newer", "invalid", "Binder Error"),
        ("int_as_of_end", "max(newest", "1 * max(newest", "invalid", ""),
        ("int_as_of_end", "least(", "least(null, ", "survived", ""),
    ],
    ids=["reference", "contract", "data_test", "invalid", "wrong_type", "equivalent"],
)
def test_a_world_judges_a_change(
    world: World, model: str, before: str, after: str, state: str, by: str
) -> None:
    sql = world.project.models[model].sql
    assert before in sql

    verdict = world.judge(model, sql.replace(before, after))

    assert verdict.state == state
    assert verdict.by.startswith(by)
    # Taken back, whatever it was.
    assert world.judge(model, sql) == SURVIVED


@pytest.mark.long
def test_unit_tests_of_dbt_run_without_it(project: Project, tmp_path: Path) -> None:
    tests = compile_unit_tests(project, tmp_path, models=("int_as_of_end",))
    units = UnitTests(tests)
    assert {test.model for test in tests} == {"int_as_of_end"}
    assert len(tests) > 3
    assert not any(units.fails(test, test.sql) for test in tests)

    tree = parse(project.models["int_as_of_end"].sql)
    (mutation,) = [
        each
        for each in mutations_of(tree)
        if each.words.startswith("newest_load: constant changed: 8 -> 9 ")
        or each.words.startswith("newest_load: filter dropped: WHERE")
    ][:1]
    failing = [
        test.name
        for test in tests
        if units.fails(test, render(apply(mutation, parse(test.sql))))
    ]

    assert failing


# --- the report ---


def outcome(words: str, state: str, tier: int = 1) -> Outcome:
    return Outcome("some_model", "a kind", words, state, tier, "a test")


LISTED_ONE = [Entry("some_<any>", "l<any>s", "None can.", equivalent=True)]


def test_the_score_leaves_out_what_cannot_be_noticed() -> None:
    outcomes = [
        outcome("a", "killed"),
        outcome("b", "killed", 2),
        outcome("c", "invalid"),
        outcome("d", "left out", 0),
        outcome("e", "survived"),
        outcome("lives", "survived"),
    ]
    share, counts = score(outcomes, LISTED_ONE)

    assert share == pytest.approx(2 / 3)
    assert counts == {
        "made": 5,
        "invalid": 1,
        "unit": 1,
        "world": 1,
        "equivalent": 1,
        "survived": 1,
    }


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([outcome("new", "survived")] + [outcome("x", "killed")] * 99, "1 survivors"),
        ([outcome("x", "killed")] * 8 + [outcome("lives", "survived")], None),
        ([outcome("lives", "killed")], "listed, but no survivor: some_<any>: l<any>s"),
        ([outcome("x", "killed")], "listed, but no survivor: some_<any>: l<any>s"),
        ([outcome("lives", "left out")], None),
        (
            [outcome("lives", "survived"), outcome("laughs", "killed")],
            "listed as equivalent, but a test notices one: some_<any>",
        ),
        ([outcome("the model itself", "skipped")], "not listed as such: some_model"),
    ],
    ids=["unlisted", "good", "caught", "gone", "left_out", "wide", "skipped"],
)
def test_the_report_fails_with_a_reason(
    outcomes: list[Outcome], told: str | None, capsys: pytest.CaptureFixture
) -> None:
    is_good = report(outcomes, LISTED_ONE)

    assert is_good == (told is None)
    assert told is None or told in capsys.readouterr().out


def test_the_report_tells_a_sample_from_the_whole(
    capsys: pytest.CaptureFixture,
) -> None:
    killed = [outcome("x", "killed")] * 3
    report(killed, [])
    assert "score 100.0% of all 3 changes" in capsys.readouterr().out
    report([*killed, outcome("y", "left out")], [])
    assert "score 100.0% of a sample: 3 of 4 changes" in capsys.readouterr().out


def test_a_model_that_is_not_changed_is_listed_as_such() -> None:
    skipped, judged = outcome("the model itself", "skipped"), outcome("x", "killed")
    assert report([skipped], [], ["some_model"])
    assert not report([judged], [], ["some_model"])


def test_a_low_score_fails_though_all_is_listed(capsys: pytest.CaptureFixture) -> None:
    listed = [Entry("some_model", "lives", "Not tested yet.")]
    outcomes = [outcome("x", "killed")] * 8 + [outcome("lives", "survived")]

    assert not report(outcomes, listed)
    assert "the score is below 90%" in capsys.readouterr().out
    assert report([outcome("x", "killed"), *outcomes], listed)


def test_every_listed_survivor_has_its_reason(project: Project) -> None:
    assert set(read_skipped()) <= set(project.models)
    for entry in read_listed():
        assert len(entry.reason) > 20
        if ANY not in entry.model:
            assert entry.model in project.models


def test_every_listed_survivor_is_a_change_that_can_be_made(project: Project) -> None:
    # What only other vars compile is called after its lot.
    missing = {
        replace(entry, mutation=re.sub(r" \(lot \d\)$", "", entry.mutation))
        for entry in read_listed()
    }
    for name, model in project.models.items():
        possible = [each for each in missing if covers_model(each, name)]
        if possible:
            made = [
                Outcome(name, change.kind, change.words, "survived", 0, "")
                for change in mutations_of(parse(model.sql))
            ]
            missing -= {each for each in possible if any(map(each.covers, made))}

    assert missing == set()


def covers_model(entry: Entry, model: str) -> bool:
    return replace(entry, mutation=ANY).covers(
        Outcome(model, "a kind", "some words", "survived", 0, "")
    )
