"""The documentation site beside the published file: dbt's docs and lineage.

Three pages, each whole in itself, that ask the network for nothing: docs.html
(`dbt docs`), lineage.html (which column comes from which, by dbt-colibri) and
index.html, which leads to both. What they are made of is freed of the machine's
paths first, and nothing is put in place that holds the buyer key.
"""

import contextlib
import html
import json
import logging
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from kefu import dbt_runs
from kefu.console import say
from kefu.errors import EXIT_BUILD, EXIT_PUBLISH, KefuError, one_line
from kefu.files import remove, sync, write_protect
from kefu.raw_input import docs_copy
from kefu.run_lock import held
from kefu.settings import DEMO_BUYER_KEY, Settings
from kefu.versions import Versions

SITE = "docs_site"
# Where the pages lie; SITE is a link to the newest of them.
KEPT = f".{SITE}"
JSON_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\(?P<sign>.)")
JSON_SIGNS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
PAGES = DOCS, LINEAGE, INDEX = "docs.html", "lineage.html", "index.html"

# The pages may run what they hold and nothing else, and ask nobody.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:;"
    " style-src 'unsafe-inline'; img-src data: blob:; font-src data:;"
    " worker-src blob: data:; connect-src data: blob:"
)
POLICY_TAG = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
# Of what dbt writes: which machine, whose call.
LEFT_OUT = {"env", "invocation_id", "invocation_started_at", "user_id"}
PATHS_LEFT_OUT = {"build_path", "compiled_path", "root_path"}

INDEX_PAGE = """<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kefu 客服数据仓库文档 / documentation</title>
<style>body {{ margin: 40px auto; max-width: 640px; padding: 0 16px;
font: 16px/1.6 sans-serif; }}</style>
</head>
<body>
<h1>Kefu 客服数据仓库</h1>
<ul>
<li><a href="{docs}">表和字段说明 · Tables, columns and metrics</a></li>
<li><a href="{lineage}">字段血缘 · Where each column comes from</a></li>
</ul>
<p>版本 run: <code>{run_id}</code></p>
</body>
</html>
"""


def make(settings: Settings, *, wait: bool = False) -> Path:
    """Write the site of the working database's project; return where it lies.

    It takes the place of the last one in one step. Raises KefuError, with the
    site as it was.
    """
    if not settings.database.is_file():
        raise KefuError(
            f"there is no working database {settings.database} to describe: build it"
            " with `kefu run`"
        )
    site = settings.published.parent / SITE
    _check_place(site)
    try:
        site.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="kefu-docs-") as folder:
            with (
                held(settings.database, "docs", wait=wait, say=say),
                _copy_of(settings) as copy,
            ):
                manifest, catalog = _described(copy, places_of(settings, copy))
            made = Path(folder)
            _write(made, settings, manifest, catalog)
            _refuse_secrets(made, settings)
            with held(site, "docs", wait=True):
                _put_in_place(site, made, settings.published)
    except OSError as error:
        raise KefuError(
            f"the documentation could not be put into {site} ({error.strerror}): the"
            " one there is as it was",
            EXIT_PUBLISH,
        ) from error
    return site


def _check_place(site: Path) -> None:
    if os.path.lexists(site) and not site.is_symlink():
        raise KefuError(
            f"{site} exists and is no link that kefu made: move it away, so that the"
            " documentation can be put there"
        )


@contextlib.contextmanager
def _copy_of(settings: Settings) -> Iterator[Settings]:
    """Have dbt describe a copy of the working database.

    dbt opens it for writing, and what a run passed would be another file after it.
    A folder of this name is cleared away by the next run, should we be killed.
    """
    database = settings.database
    folder = docs_copy(database)
    remove(folder)
    try:
        # It holds landed rows, for nobody else to read.
        folder.mkdir(mode=0o700)
        for file in (database, database.with_name(f"{database.name}.wal")):
            if file.exists():
                shutil.copyfile(file, folder / file.name)
        yield replace(settings, database=folder / database.name)
    finally:
        with contextlib.suppress(OSError):
            remove(folder)


def _described(settings: Settings, places: list[str]) -> tuple[dict, dict]:
    """Return dbt's manifest and catalog, without the places of this machine."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()"),
            *("--quiet", "--log-level", "none", "docs", "generate", "--static"),
        ],
        cwd=settings.root,
        env=dbt_runs.environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise KefuError(
            "dbt could not write the documentation (more in"
            f" {dbt_runs.log_file(settings.root)}); `kefu dbt docs generate` shows why",
            EXIT_BUILD,
        )
    target = dbt_runs.target_dir(settings.root)
    found = []
    for name in ("manifest.json", "catalog.json"):
        read = json.loads((target / name).read_text(encoding="utf-8"))
        read["metadata"] = {
            key: value for key, value in read["metadata"].items() if key not in LEFT_OUT
        }
        found.append(without_places(read, places))
    return found[0], found[1]


def places_of(settings: Settings, copy: Settings) -> list[str]:
    """Return the folders of this machine that a page could name, longest first."""
    places = {
        settings.root,
        settings.database.parent,
        copy.database.parent,
        settings.published.parent,
        settings.raw_root,
        dbt_runs.target_dir(settings.root).resolve(),
        Path(tempfile.gettempdir()),
        Path(sys.prefix),
    }
    with contextlib.suppress(RuntimeError):
        places.add(Path.home())
    if settings.raw_database:
        places.add(settings.raw_database.parent)
    told = {str(place).rstrip("/") for place in places}
    return sorted((place for place in told if len(place) > 1), key=len, reverse=True)


def without_places(value: object, places: list[str]) -> object:
    """Return JSON values in which paths below our folders begin there."""
    if isinstance(value, dict):
        return {
            key: without_places(entry, places)
            for key, entry in value.items()
            if key not in PATHS_LEFT_OUT
        } | dict.fromkeys(PATHS_LEFT_OUT.intersection(value))
    if isinstance(value, list):
        return [without_places(entry, places) for entry in value]
    if isinstance(value, str) and "/" in value:
        for place in places:
            value = value.replace(f"{place}/", "").replace(place, ".")
    return value


def _write(folder: Path, settings: Settings, manifest: dict, catalog: dict) -> None:
    """Write the three pages into a folder."""
    from dbt.task.docs import DOCS_INDEX_FILE_PATH  # noqa: PLC0415

    # As `dbt docs generate --static` puts them together; a text must not end
    # the script that holds it.
    page = Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8")
    for mark, value in (("MANIFEST", manifest), ("CATALOG", catalog)):
        inline = json.dumps(value, ensure_ascii=False).replace("</", "<\\/")
        page = page.replace(f'"{mark}.JSON INLINE DATA"', inline)
    (folder / DOCS).write_text(_closed_off(page), encoding="utf-8")
    lineage = _lineage(manifest, catalog)
    (folder / LINEAGE).write_text(_closed_off(lineage), encoding="utf-8")
    run_id = Versions(settings.published).current_id() or "--"
    told = INDEX_PAGE.format(docs=DOCS, lineage=LINEAGE, run_id=html.escape(run_id))
    (folder / INDEX).write_text(told, encoding="utf-8")


def _closed_off(page: str) -> str:
    """Return a page that may not ask the network for anything."""
    head, tag, rest = page.partition("<head>")
    if not tag:
        raise KefuError("a page of the documentation has no <head>", EXIT_PUBLISH)
    return f"{head}{tag}{POLICY_TAG}{rest}"


def _lineage(manifest: dict, catalog: dict) -> str:
    """Return dbt-colibri's page of what each column is made of."""
    try:
        with _scopes_by_both_names():
            from dbt_colibri.lineage_extractor.extractor import (  # noqa: PLC0415
                DbtColumnLineageExtractor,
            )
            from dbt_colibri.report.generator import (  # noqa: PLC0415
                DbtColibriReportGenerator,
            )

            with tempfile.TemporaryDirectory(prefix="kefu-lineage-") as name:
                folder = Path(name)
                read = {"manifest": manifest, "catalog": catalog}
                for part, value in read.items():
                    text = json.dumps(value, ensure_ascii=False)
                    (folder / f"{part}.json").write_text(text, encoding="utf-8")
                with _quiet():
                    extractor = DbtColumnLineageExtractor(
                        *(str(folder / f"{part}.json") for part in read)
                    )
                    DbtColibriReportGenerator(
                        extractor, disable_telemetry=True
                    ).generate_report(output_dir=str(folder / "made"))
                page = folder / "made" / "index.html"
                return page.read_text(encoding="utf-8")
    except ImportError as error:
        raise KefuError(
            f"the lineage page needs {error.name or 'dbt-colibri'}: install what"
            " requirements.lock names (`make install`)"
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let nobody be told of each column that has no lineage."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _scopes_by_both_names() -> Iterator[None]:
    """Give sqlglot's scopes the name that dbt-colibri knows them by.

    Without it no column that goes through a union has a lineage; a test tells
    when it is no longer needed.
    """
    from sqlglot.optimizer.scope import Scope  # noqa: PLC0415

    if hasattr(Scope, "union_scopes"):
        yield
        return
    Scope.union_scopes = property(lambda scope: scope.set_operation_scopes)
    try:
        yield
    finally:
        del Scope.union_scopes


def _refuse_secrets(folder: Path, settings: Settings) -> None:
    """Raise KefuError if a page holds the buyer key, as it is or escaped.

    The lineage page holds its data as base64, made of what docs.html holds too.
    """
    key = settings.buyer_key
    if key == DEMO_BUYER_KEY:
        return
    for page in PAGES:
        text = (folder / page).read_text(encoding="utf-8")
        if any(key in form for form in _unescaped(text)):
            raise KefuError(
                "the documentation would hold the value of KEFU_BUYER_KEY: take it out"
                " of the project's files, where env_var() or a text has it",
                EXIT_PUBLISH,
            )


def _unescaped(text: str) -> Iterator[str]:
    """Yield a text as it is and read as JSON, as HTML, and as one in the other."""
    forms = [text]
    for _ in range(2):
        yield from forms
        forms = [
            read
            for form in forms
            for read in (JSON_ESCAPE.sub(_json_read, form), html.unescape(form))
            if read != form
        ]
    yield from forms


def _json_read(escape: re.Match) -> str:
    """Return what an escape of JSON stands for."""
    if sign := escape["sign"]:
        return JSON_SIGNS.get(sign, sign)
    units = bytes.fromhex(escape.group().replace("\\u", ""))
    return units.decode("utf-16-be", "surrogatepass")


def _put_in_place(site: Path, made: Path, model: Path) -> None:
    """Move the pages beside the published file, and the link to them."""
    kept = site.parent / KEPT
    kept.mkdir(exist_ok=True)
    fresh = kept / secrets.token_hex(6)
    link = site.with_name(f".{SITE}.{os.getpid()}.publishing")
    try:
        fresh.mkdir()
        for page in PAGES:
            (fresh / page).write_bytes((made / page).read_bytes())
            write_protect(fresh / page, model)
            sync(fresh / page)
        sync(fresh)
        remove(link)
        link.symlink_to(Path(KEPT, fresh.name))
        os.replace(link, site)
        sync(site.parent)
    except BaseException:
        remove(link)
        with contextlib.suppress(OSError):
            remove(fresh)
        raise
    # Those before, and what killed processes left.
    for old in kept.iterdir():
        if old.name != fresh.name:
            with contextlib.suppress(OSError):
                remove(old)


def made_after_run(settings: Settings, told: Callable[[str], None]) -> None:
    """Write the site after a run; what fails is told and fails no run."""
    try:
        site = make(settings)
    except KefuError as error:
        told(f"  warning: no documentation site: {one_line(error, 300)}")
    else:
        told(f"  {'documentation':<17} {site / INDEX}")
