"""The keyword dictionary against examples of what buyers write.

The warehouse takes the first pattern, by priority, that is found in a text.
The fixture holds texts with the problem that they must get, and texts, with no
problem beside them, that must stay unmatched.
"""

import csv
from pathlib import Path

import duckdb
import pytest
from compiled_project import build_model
from test_fuzz import the_project

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "tests/python/fixtures/problem_keyword_examples.csv"


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def keywords():
    return read(ROOT / "seeds/problem_keywords.csv")


@pytest.fixture(scope="module")
def problems():
    return {row["problem_code"]: row for row in read(ROOT / "seeds/problems.csv")}


@pytest.fixture(scope="module")
def examples():
    return read(EXAMPLES)


@pytest.fixture(scope="module")
def first_matches(keywords, examples):
    """Text -> (priority, problem) of its first match, by the engine itself."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "create table keywords (priority int, pattern text, problem_code text)"
        )
        connection.executemany(
            "insert into keywords values (?, ?, ?)",
            [
                [row["priority"], row["pattern"], row["problem_code"]]
                for row in keywords
            ],
        )
        connection.execute("create table examples (text text)")
        connection.executemany(
            "insert into examples values (?)", [[row["text"]] for row in examples]
        )
        rows = connection.execute(
            """
            select
                examples.text,
                min(keywords.priority),
                arg_min(keywords.problem_code, keywords.priority)
            from examples
            inner join keywords
                on regexp_matches(examples.text, keywords.pattern)
            group by examples.text
            """
        ).fetchall()
    return {text: (priority, code) for text, priority, code in rows}


def test_every_example_gets_its_problem(examples, first_matches):
    wrong = {}
    for row in examples:
        _, code = first_matches.get(row["text"], (None, ""))
        if code != row["problem_code"]:
            wrong[row["text"]] = (code, "instead of", row["problem_code"])
    assert wrong == {}


def test_every_pattern_is_the_first_match_of_an_example(keywords, first_matches):
    reached = {priority for priority, _ in first_matches.values()}
    dead = [row for row in keywords if int(row["priority"]) not in reached]
    assert dead == []


def test_every_pattern_compiles(keywords):
    bad = {}
    with duckdb.connect(":memory:") as connection:
        for row in keywords:
            try:
                connection.execute("select regexp_matches('', ?)", [row["pattern"]])
            except duckdb.Error as error:
                bad[row["pattern"]] = str(error)
    assert bad == {}


def test_no_pattern_matches_everything(keywords):
    with duckdb.connect(":memory:") as connection:
        greedy = [
            row["pattern"]
            for row in keywords
            if connection.execute(
                "select regexp_matches('', $1) or regexp_matches('在吗', $1)",
                [row["pattern"]],
            ).fetchall()
            == [(True,)]
        ]
    assert greedy == []


def test_problems_and_patterns_belong_together(keywords, problems):
    with_pattern = {row["problem_code"] for row in keywords}
    assert with_pattern <= problems.keys()
    upstream_only = {
        code for code, row in problems.items() if row["is_upstream_only"] == "true"
    }
    assert with_pattern.isdisjoint(upstream_only)
    assert with_pattern | upstream_only == problems.keys()


def test_the_dictionary_is_as_wide_as_promised(keywords, problems, examples):
    assert len(keywords) >= 150
    covered = {row["problem_code"] for row in keywords}
    assert len(covered) >= 30
    assert {problems[code]["module"] for code in covered} == {
        "goods",
        "shipping",
        "logistics",
        "basic_service",
        "attitude",
    }
    assert sum(1 for row in examples if not row["problem_code"]) >= 50


def test_priorities_leave_no_tie(keywords):
    priorities = [int(row["priority"]) for row in keywords]
    assert len(set(priorities)) == len(priorities)


def test_examples_are_distinct(examples):
    texts = [row["text"] for row in examples]
    assert len(set(texts)) == len(texts)


def matched_by_the_model(
    keywords: list[tuple[int, str, str]], texts: list[str]
) -> dict[str, str]:
    """Build int_problem_texts as a run does, with its hooks, over these alone."""
    with duckdb.connect(":memory:") as connection:
        for schema in ("seeds", "intermediate"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table seeds.problem_keywords"
            " (priority int, pattern text, problem_code text)"
        )
        connection.executemany(
            "insert into seeds.problem_keywords values (?, ?, ?)", keywords
        )
        connection.execute(
            "create table intermediate.int_messages_classified"
            " (sender text, problem_code text, buyer_text text)"
        )
        connection.executemany(
            "insert into intermediate.int_messages_classified"
            " values ('buyer', null, ?)",
            [[text] for text in texts],
        )
        model = the_project().models["int_problem_texts"]
        build_model(connection, model, model.sql)
        rows = connection.execute(f"from {model.relation}").fetchall()
    return dict(rows)


def test_the_model_finds_the_first_match_of_every_example(
    keywords, examples, first_matches
):
    patterns = [
        (int(row["priority"]), row["pattern"], row["problem_code"]) for row in keywords
    ]
    found = matched_by_the_model(patterns, [row["text"] for row in examples])
    assert found == {text: code for text, (_, code) in first_matches.items()}


@pytest.mark.parametrize("count", [1, 16, 17, 256, 257, 600])
def test_the_model_matches_any_number_of_patterns(count):
    # Each text holds two words, and the one of higher priority comes last.
    patterns = [(number, f"w{number:03}", f"p{number}") for number in range(count)]
    # Neighbours share a slot where there are more patterns than slots.
    pairs = [(n, (n + step) % count) for n in range(count) for step in (1, 7)]
    texts = {f"w{max(pair):03} w{min(pair):03}": f"p{min(pair)}" for pair in pairs}
    assert matched_by_the_model(patterns, [*texts, "no word"]) == texts
