"""The documentation site: whole, in one step, and silent about the machine."""

import base64
import html
import json
import re
import socket
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Kefu, land, make_mini, text_row

from kefu import docs_site
from kefu.docs_site import DOCS, INDEX, KEPT, LINEAGE, PAGES, SITE
from kefu.errors import KefuError

KEY = "a secret of the tests that no page holds"
CHECKED = """
models:
  - name: fct_checked
    description: {told}
    columns:
      - name: mall_id
        description: The shop's own id.
        data_type: varchar
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Kefu:
    """A small project that was run once, documentation included."""
    mini = make_mini(tmp_path_factory.mktemp("docs"))
    marts = mini.project / "models" / "marts"
    # A column that goes through a union: see _scopes_by_both_names.
    (marts / "fct_checked.sql").write_text(
        "select mall_id from {{ ref('dim_malls') }}\n"
        "union all\n"
        "select mall_id from {{ ref('dim_malls') }}\n",
        encoding="utf-8",
    )
    told = "'</script><b>a text that ends a script</b>'"
    (marts / "fct_checked.yml").write_text(CHECKED.format(told=told), encoding="utf-8")
    run = ("run", "--no-audit", "--publish-untested", "--docs")
    done = mini(*run, KEFU_BUYER_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert f"documentation     {mini.published.parent / SITE / INDEX}" in done.stdout
    return mini


def site_of(world: Kefu) -> Path:
    return world.published.parent / SITE


def texts(world: Kefu) -> dict[str, str]:
    """Return the pages; with what they hold encoded behind them."""
    found = {}
    for name in PAGES:
        text = (site_of(world) / name).read_text(encoding="utf-8")
        for encoded in re.findall(r'atob\("([^"]+)"\)', text):
            text += base64.b64decode(encoded).decode()
        found[name] = text
    return found


def lineage(world: Kefu) -> dict:
    text = (site_of(world) / LINEAGE).read_text(encoding="utf-8")
    return json.loads(base64.b64decode(re.search(r'atob\("([^"]+)"\)', text).group(1)))


def test_the_pages_say_nothing_of_the_machine(world: Kefu) -> None:
    found = texts(world)
    needles = [
        *(KEY, str(world.home), str(world.project), tempfile.gettempdir() + "/"),
        *(str(Path.home()) + "/", str(Path(docs_site.__file__).parents[1])),
    ]
    # Which call of dbt it was, and whose.
    written = json.loads((world.home / "target" / "manifest.json").read_bytes())
    needles += [written["metadata"][name] for name in ("invocation_id", "user_id")]
    needles = [needle for needle in needles if needle]
    if len(socket.gethostname()) > 4:
        needles.append(socket.gethostname())
    for name, text in found.items():
        for needle in needles:
            assert needle not in text, (name, needle)
    assert "dim_malls" in found[DOCS] and "The shop's own id." in found[DOCS]
    assert "run_id" not in found[INDEX] and "<code>20" in found[INDEX]


def test_the_pages_ask_the_network_for_nothing(world: Kefu) -> None:
    for name, text in texts(world).items():
        head = text.partition("</head>")[0]
        assert "Content-Security-Policy" in head and "default-src 'none'" in head, name
        policy = head.partition('Content-Security-Policy" content="')[2]
        policy = policy.partition('">')[0]
        assert "http" not in policy and "*" not in policy
    assert "window.colibriTelemetry = false" in texts(world)[LINEAGE]
    for page in (DOCS, LINEAGE):
        assert f'href="{page}"' in texts(world)[INDEX]


def test_a_description_ends_no_script(world: Kefu) -> None:
    assert "</script><b>" not in (site_of(world) / DOCS).read_text(encoding="utf-8")


def test_lineage_goes_through_unions(world: Kefu) -> None:
    edges = {
        (edge["source"].split(".")[-1], edge["sourceColumn"], edge["targetColumn"])
        for edge in lineage(world)["lineage"]["edges"]
        if edge["target"].endswith(".fct_checked")
    }
    assert ("dim_malls", "mall_id", "mall_id") in edges


def test_what_makes_up_for_sqlglot_is_needed() -> None:
    """Fails when dbt-colibri knows the scopes of sqlglot by their present name."""
    from sqlglot.optimizer.scope import Scope  # noqa: PLC0415

    assert not hasattr(Scope, "union_scopes")
    with docs_site._scopes_by_both_names():
        assert hasattr(Scope, "union_scopes")
    assert not hasattr(Scope, "union_scopes")


def stamp_of(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def test_made_anew_in_one_step(world: Kefu) -> None:
    site = site_of(world)
    before = site.resolve()
    assert site.is_symlink() and before.parent.name == KEPT
    left = before.parent / "by-a-killed-process"
    left.mkdir()
    stamp = stamp_of(world.database)
    done = world("docs", KEFU_BUYER_KEY=KEY)
    assert done.returncode == 0, done.stderr
    assert str(site / INDEX) in done.stdout
    assert site.resolve() != before and not before.exists() and not left.exists()
    assert sorted(path.name for path in site.iterdir()) == sorted(PAGES)
    assert not any(path.stat().st_mode & 0o222 for path in site.iterdir())
    # The working database is what it was: what has passed a run still has.
    assert stamp == stamp_of(world.database)
    assert not list(world.database.parent.glob("*.docs.tmp"))


def test_a_page_with_the_key_is_not_put_there(world: Kefu) -> None:
    before = site_of(world).resolve()
    described = world.project / "models" / "marts" / "fct_checked.yml"
    kept = described.read_text(encoding="utf-8")
    described.write_text(CHECKED.format(told=f"'{KEY}'"), encoding="utf-8")
    done = world("docs", KEFU_BUYER_KEY=KEY)
    described.write_text(kept, encoding="utf-8")
    assert done.returncode == 5 and KEY not in done.stdout + done.stderr
    assert "KEFU_BUYER_KEY" in done.stderr and len(done.stderr.splitlines()) == 1
    assert site_of(world).resolve() == before and before.is_dir()


def test_what_is_in_the_way(kefu: Kefu, world: Kefu) -> None:
    done = kefu("docs")
    assert done.returncode == 3 and "there is no working database" in done.stderr
    kefu.database.parent.mkdir(parents=True)
    kefu.database.write_bytes(world.database.read_bytes())
    (kefu.published.parent / SITE).mkdir(parents=True)
    done = kefu("docs")
    assert done.returncode == 3 and "is no link that kefu made" in done.stderr
    # After a run it is a warning: what was published stays published.
    land(
        world.raw_root, "malls", [text_row("malls", mall_id="another")], "another.jsonl"
    )
    site = site_of(world)
    aside = site.with_name("aside")
    site.rename(aside)
    site.mkdir()
    done = world("run", "--no-audit", "--publish-untested", "--docs")
    site.rmdir()
    aside.rename(site)
    assert done.returncode == 0, done.stderr
    assert "  warning: no documentation site: " in done.stdout


def test_places_are_taken_out_of_texts() -> None:
    places = ["/srv/kefu/data", "/srv/kefu"]
    value = {
        "compiled_path": "/srv/kefu/target/x.sql",
        "text": "read '/srv/kefu/data/raw/*.csv' and /srv/kefu",
        "list": ["/srv/kefu/models/a.sql", 3, None],
    }
    assert docs_site.without_places(value, places) == {
        "compiled_path": None,
        "text": "read 'raw/*.csv' and .",
        "list": ["models/a.sql", 3, None],
    }


VILE_KEY = "a\"b\\n</key>&'密😀"


@pytest.mark.parametrize(
    "written",
    [
        VILE_KEY,
        json.dumps(VILE_KEY, ensure_ascii=False),
        json.dumps(VILE_KEY, ensure_ascii=False).replace("</", "<\\/"),
        json.dumps(VILE_KEY),
        json.dumps(VILE_KEY).replace("</", "\\u003C/"),
        json.dumps(json.dumps(VILE_KEY)).replace("</", "<\\/"),
        html.escape(VILE_KEY),
        html.escape(VILE_KEY, quote=False),
        html.escape(VILE_KEY).replace("密", "&#x5bc6;").replace("&quot;", "&#34;"),
        html.escape(json.dumps(VILE_KEY)),
        json.dumps(html.escape(VILE_KEY)).replace("</", "<\\/"),
    ],
)
@pytest.mark.parametrize("page", PAGES)
def test_an_escaped_key_is_found(tmp_path: Path, page: str, written: str) -> None:
    for name in PAGES:
        (tmp_path / name).write_text("<html>", encoding="utf-8")
    settings = SimpleNamespace(buyer_key=VILE_KEY)
    docs_site._refuse_secrets(tmp_path, settings)
    (tmp_path / page).write_text(f"<p>x{written}y</p>", encoding="utf-8")
    with pytest.raises(KefuError, match="KEFU_BUYER_KEY"):
        docs_site._refuse_secrets(tmp_path, settings)
    (tmp_path / page).write_text(
        f"<p>x{written[: len(written) // 2]}", encoding="utf-8"
    )
    docs_site._refuse_secrets(tmp_path, settings)


def test_a_page_without_a_head_is_none() -> None:
    with pytest.raises(KefuError, match="no <head>"):
        docs_site._closed_off("<html></html>")
