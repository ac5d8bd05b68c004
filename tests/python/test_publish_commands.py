"""Publishing from outside: what `kefu` publishes, lists and takes back."""

import hashlib
import json
import socket
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from conftest import Kefu, land, text_row

from kefu.errors import EXIT_AUDIT
from kefu.run_record import RULE_SUFFIXES, RULES, hash_of_files

KEY = "a secret of the tests"

# Stands in for the audit, whose own tests are elsewhere: says what the file
# checks.json of the project says, and notes how it was called.
AUDIT = """
import json

def check_names(settings, accepted):
    pass

class AuditReport:
    def __init__(self, checks):
        self.checks = checks

    @property
    def passed(self):
        return all(
            check["success"] or check["severity"] == "warning"
            or check["accepted_reason"]
            for check in self.checks
        )

    def as_dict(self):
        return {"passed": self.passed, "checks": self.checks}

    def screen(self):
        return "what the audit shows"

def run_audit(settings, run_id, accepted, say):
    checks = json.loads((settings.root / "checks.json").read_text())
    for check in checks:
        check["accepted_reason"] = accepted.get(check["name"])
    (settings.root / "called.json").write_text(json.dumps([run_id, accepted]))
    return AuditReport(checks)
"""


def check(name: str, *, success: bool, severity: str = "blocking") -> dict:
    return {
        "name": name,
        "severity": severity,
        "success": success,
        "observed": 3,
        "keys": [],
        "advice": "look",
    }


def audited(world: Kefu, *checks: dict) -> Kefu:
    """Let the audit of a world find these checks."""
    package = world.project / "kefu" / "audit"
    package.mkdir(exist_ok=True)
    for module in package.iterdir():
        if module.is_file():
            module.unlink()
    (package / "__init__.py").write_text(AUDIT, encoding="utf-8")
    (world.project / "checks.json").write_text(json.dumps(checks), encoding="utf-8")
    return world


@pytest.fixture
def world(mini: Kefu) -> Kefu:
    return audited(mini, check("volume", success=True))


def ask(path: Path, question: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(question).fetchall()


def current(world: Kefu) -> dict:
    """Return the manifest of the published file, as it stands beside the version."""
    ((run_id,),) = ask(world.published, "select run_id from meta.publication")
    folder = world.published.parent / "versions" / run_id
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def test_a_run_keeps_a_version_with_its_manifest(world: Kefu) -> None:
    # What the shell would have dbt leave out is not left out.
    shell = {"DBT_EMPTY": "1", "DBT_RESOURCE_TYPES": "model seed"}
    needless = ("--accept", "volume", "--reason", "it passed all the same")
    done = world(
        "run", "--vars", "score_min_peers: 3", *needless, KEFU_BUYER_KEY=KEY, **shell
    )
    assert done.returncode == 0, done.stderr
    manifest = current(world)
    assert manifest["accepted"] == []
    assert manifest["run_id"] in done.stdout
    assert manifest["is_untested"] is False
    assert manifest["tests"]["passed"] > 0 and manifest["tests"]["failed"] == 0
    assert manifest["audit"]["passed"] is True
    assert manifest["vars"]["score_min_peers"] == 3
    assert manifest["vars"]["reply_horizon_hours"] == 24
    assert manifest["publication"]["row_counts"] == {"dim_malls": 3}
    called = json.loads((world.project / "called.json").read_text(encoding="utf-8"))
    assert called == [manifest["run_id"], {"volume": needless[-1]}]
    landed = sorted(path for path in world.raw_root.rglob("*") if path.is_file())
    listed = {
        path.relative_to(world.raw_root).as_posix(): path.stat().st_size
        for path in landed
    }
    read = manifest["input"]
    assert {file["name"]: file["bytes"] for file in read["files"]} == listed
    assert (read["files_read"], read["bytes"]) == (len(listed), sum(listed.values()))
    text = "".join(f"{size}  {name}\n" for name, size in listed.items())
    assert read["list_hash"] == hashlib.sha256(text.encode()).hexdigest()

    assert_tells_nothing_of_key_or_machine(world)

    # The copies that somebody asked for in the environment come with it.
    copies = {"KEFU_PARQUET": "1", "KEFU_MARTS_RESTRICTED": "yes"}
    left = [world.database.with_name(f"kefu.duckdb{end}.tmp") for end in ("", ".audit")]
    for folder in left:
        folder.mkdir(exist_ok=True)
        (folder / "spilled").write_text("by a process that was killed")
    assert world("run", KEFU_BUYER_KEY=KEY, **copies).returncode == 0
    assert not any(folder.exists() for folder in left)
    again = current(world)
    assert (manifest["follows"], again["follows"]) == ("nothing", manifest["run_id"])
    folder = world.published.parent
    assert (folder / "kefu_restricted.duckdb").exists()
    assert (folder / "parquet" / "dim_malls.parquet").exists()
    # The same rules and input have the same hashes.
    for name in ("project_hash", "seeds_hash", "input"):
        assert again[name] == manifest[name]
    assert again["publication"]["replaces"] == manifest["run_id"]

    assert_listed_and_taken_back(world, again, manifest)
    assert world("publish", KEFU_KEEP_VERSIONS="1").returncode == 0
    # The current one and the one that a rollback would return to.
    assert sorted(path.name for path in (folder / "versions").glob("2*")) == sorted(
        [manifest["run_id"], again["run_id"]]
    )


def assert_tells_nothing_of_key_or_machine(world: Kefu) -> None:
    """Look into every byte of what is published and kept of the run."""
    secrets = [
        KEY.encode(),
        hashlib.sha256(KEY.encode()).hexdigest().encode(),
        hashlib.sha256(KEY.encode()).digest(),
        hashlib.md5(KEY.encode()).hexdigest().encode(),
        socket.gethostname().encode(),
        str(world.home).encode(),
    ]
    files = [path for path in world.published.parent.rglob("*") if path.is_file()]
    files.append(world.database.with_name("kefu.duckdb.run.json"))
    # DuckDB packs texts: what the tables of meta hold is looked at as text too.
    contents = {str(path): path.read_bytes() for path in files}
    contents["meta"] = repr(ask(world.published, "from meta.publication")).encode()
    assert len(contents) > 4
    # The hashed key in the mini project's own mart is what this search finds.
    hashed = repr(ask(world.published, "from marts.dim_malls")).encode()
    assert secrets[1] in hashed
    for name, content in contents.items():
        is_database = name.endswith(".duckdb")
        for secret in secrets[:1] + secrets[2:] if is_database else secrets:
            assert secret not in content, name


def assert_listed_and_taken_back(world: Kefu, newest: dict, older: dict) -> None:
    listed = world("published")
    assert listed.returncode == 0, listed.stderr
    lines = listed.stdout.splitlines()
    assert len(lines) == 2 + 2
    assert lines[2].startswith(f"*  {newest['run_id']}")
    assert "1 passed  passed" in lines[2] and "untested" not in lines[2]
    assert not lines[3].startswith("*") and older["run_id"] in lines[3]

    told = world("rollback").stdout
    assert older["run_id"] in told
    assert "the next `kefu run` publishes a newer version again" in told
    assert "already the current" in world("rollback", older["run_id"]).stdout
    # It has got the copies now that are there.
    assert len(current(world)["publication"]["files"]) == 4
    assert current(world)["run_id"] == older["run_id"]
    lines = world("published").stdout.splitlines()
    assert "left by rollback at" in lines[2] and lines[3].startswith("*")
    answer = world("query", "--csv", "select count(*) from marts.dim_malls")
    assert answer.stdout.splitlines()[1] == "3"

    assert world("rollback", newest["run_id"]).returncode == 0
    assert current(world) == newest
    assert "left by rollback" not in world("published").stdout.splitlines()[2]
    wrong = world("rollback", "nope")
    assert wrong.returncode == 5
    assert wrong.stderr.splitlines() == [
        "kefu: there is no version nope: `kefu published` lists those that are kept"
    ]
    damaged = world.published.parent / "versions" / older["run_id"] / "manifest.json"
    away = damaged.rename(world.home / "manifest.json")
    assert "damaged: it has no manifest.json" in world("published").stdout
    away.rename(damaged)


def test_nothing_to_list(world: Kefu) -> None:
    listed = world("published")
    assert listed.returncode == 5
    assert "nothing is published" in listed.stderr


def test_untested_or_unaudited_needs_a_word(world: Kefu) -> None:
    done = world("run", "--no-audit")
    assert done.returncode == 0, done.stderr
    assert "built without audit, so not published" in done.stdout
    refused = world("publish")
    assert refused.returncode == 5 and "did not pass a run" in refused.stderr
    assert not world.published.exists()
    assert world("publish", "--untested").returncode == 0
    first = current(world)
    assert first["is_untested"] is True and first["audit"] == "not run"
    assert first["input"]["files_read"] > 0
    done = world("run", "--no-tests", "--no-audit", "--publish-untested")
    assert done.returncode == 0, done.stderr
    second = current(world)
    assert (second["tests"], second["audit"]) == ("not run", "not run")
    flags = "select is_tested, is_audited from meta.publication"
    versions = world.published.parent / "versions"
    assert ask(versions / first["run_id"] / "kefu.duckdb", flags) == [(True, False)]
    assert ask(versions / second["run_id"] / "kefu.duckdb", flags) == [(False, False)]
    lines = world("published").stdout.splitlines()[2:]
    assert ["not run" in line and "untested" in line for line in lines] == [True] * 2


def test_a_build_that_no_run_made_is_told_as_such(world: Kefu) -> None:
    assert world("run", "--no-tests").returncode == 0
    with duckdb.connect(str(world.database)) as connection:
        connection.execute("delete from marts.dim_malls where mall_id = 'm0'")
    assert world("publish").returncode == 5
    assert world("publish", "--untested").returncode == 0
    manifest = current(world)
    assert manifest["is_untested"] is True and manifest["started_at"] is None
    assert manifest["publication"]["row_counts"] == {"dim_malls": 2}


def test_tables_of_two_runs_are_never_published(world: Kefu) -> None:
    before = world.publish_something()
    land(world.raw_root, "malls", [text_row("malls", mall_id="")], "bad.parquet")
    assert world("run").returncode == 4
    for options in ([], ["--untested"]):
        refused = world("publish", *options)
        assert refused.returncode == 5
        assert "may be of two runs" in refused.stderr
    assert world.published.read_bytes() == before


def test_hashes_tell_rules_from_seeds(tmp_path: Path) -> None:
    def hashes() -> tuple[str, str]:
        return (
            hash_of_files(tmp_path, RULES, RULE_SUFFIXES),
            hash_of_files(tmp_path, ("seeds",), (".csv",)),
        )

    files = {
        "models/a.sql": "select 1",
        "models/deep/b.yml": "a: 1",
        "seeds/c.csv": "x\n1\n",
        "dbt_project.yml": "name: x",
        "audit.yml": "a: 2",
        "kefu/d.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    first = hashes()
    assert hashes() == first
    for name, text in files.items():
        (tmp_path / name).write_text(f"{text} ", encoding="utf-8")
        changed = [one != other for one, other in zip(hashes(), first, strict=True)]
        assert changed == [not name.startswith("seeds"), name.startswith("seeds")], name
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "models" / "a.sql").rename(tmp_path / "models" / "z.sql")
    assert hashes()[0] != first[0]
    assert hashes()[1] == first[1]
    for name in ("target/a.sql", "tests/python/a.py", "models/a.bak"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("no rule", encoding="utf-8")
    (tmp_path / "models" / "z.sql").rename(tmp_path / "models" / "a.sql")
    assert hashes() == first


def test_what_the_audit_finds_is_not_published(world: Kefu) -> None:
    audited(
        world,
        check("volume", success=False),
        check("shares", success=False, severity="warning"),
    )
    done = world("run")
    assert done.returncode == EXIT_AUDIT
    assert "what the audit shows" in done.stdout
    (line,) = done.stderr.splitlines()
    assert "must not be published: volume;" in line and "shares" not in line
    assert not world.published.exists()
    assert world("publish").returncode == 5

    why = "the sale of 11 November"
    done = world("run", "--accept", "volume", "--reason", why)
    assert done.returncode == 0, done.stderr
    manifest = current(world)
    assert manifest["accepted"] == [{"check": "volume", "reason": why}]
    assert manifest["is_untested"] is False
    told = world("query", "--csv", "select manifest from meta.publication").stdout
    assert why in told
    assert "accepted volume" in world("published").stdout


WRONG = {
    "no reason": (["--accept", "volume"], "needs one --reason"),
    "no check": (["--reason", "why"], "needs one --reason"),
    "an empty reason": (["--accept", "volume", "--reason", " "], "is empty"),
    "twice": (["--accept", "v", "--reason", "a"] * 2, "accepted twice"),
    "without audit": (["--no-audit", "--accept", "v", "--reason", "a"], "no meaning"),
    "nothing left out": (["--publish-untested"], "--no-tests or --no-audit only"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_call_is_said(kefu: Kefu, kind: str) -> None:
    options, told = WRONG[kind]
    done = kefu("run", *options)
    assert done.returncode == 2 and told in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("kefu: ") and line.endswith("run --help`")
    assert not kefu.database.exists()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (["pubilsh"], "No such command 'pubilsh'"),
        (["--wrong"], "No such option"),
        (["close"], "Missing argument 'YYYY-MM'"),
    ],
)
def test_a_call_that_is_none_is_one_line(
    kefu: Kefu, call: list[str], told: str
) -> None:
    done = kefu(*call)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"kefu: {told}") and line.endswith("--help`")
    assert "Usage:" in kefu().stdout + kefu().stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEFU_KEEP_VERSIONS", "0"),
        ("KEFU_KEEP_VERSIONS", "many"),
        ("KEFU_PARQUET", "perhaps"),
        ("KEFU_MARTS_RESTRICTED", "2"),
    ],
)
def test_a_wrong_setting_is_said(kefu: Kefu, name: str, value: str) -> None:
    done = kefu("published", **{name: value})
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert name in line and value in line


def texts_in(path: Path) -> str:
    """Return every value of every table of a DuckDB file, as text."""
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
        ).fetchall()
        return "\n".join(
            repr(connection.execute(f'from {schema}."{table}"').fetchall())
            for schema, table in tables
        )


def test_no_agents_name_in_the_restricted_demo(
    demo: tuple[Kefu, str], tmp_path: Path, ask: Callable[[str], list[tuple]]
) -> None:
    world, _ = demo
    published = tmp_path / "kefu.duckdb"
    done = world(
        "publish", "--untested", "--marts-restricted", KEFU_PUBLISHED=str(published)
    )
    assert done.returncode == 0, done.stderr
    restricted = tmp_path / "kefu_restricted.duckdb"
    with duckdb.connect(str(world.database), read_only=True) as connection:
        rows = connection.execute(
            "select distinct cs_name from staging.stg_pdd__agents"
            " where cs_name is not null"
        ).fetchall()
    names = [name for (name,) in rows]
    assert len(names) > 50

    # The whole file shows that the search finds what is there, in both forms.
    whole, texts = published.read_bytes(), texts_in(published)
    published_names = [
        name
        for (name,) in ask("select cs_name from marts.dim_agents where cs_name <> ''")
    ]
    assert all(name in texts for name in published_names)
    assert any(name.encode() in whole for name in names)

    content, texts = restricted.read_bytes(), texts_in(restricted)
    kept = tmp_path / "versions"
    (copy,) = kept.rglob("kefu_restricted.duckdb")
    assert copy.read_bytes() == content
    for name in names:
        assert name not in texts
        for encoding in ("utf-8", "utf-16-le", "gb18030"):
            assert name.encode(encoding) not in content
    with duckdb.connect(str(restricted), read_only=True) as connection:
        found = dict(connection.execute("from meta.row_counts").fetchall())
        for table, rows in found.items():
            counted = connection.execute(f"select count(*) from marts.{table}")
            assert counted.fetchone() == (rows,), table
    assert len(found) > 20
