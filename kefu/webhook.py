"""Tells a chat group, or any web address, how a run ended.

The address is in KEFU_WEBHOOK_URL. It is a secret, for whoever has it can
write to the group: so it is taken out of the environment before anything else
runs, and no message, log or manifest holds it. What is posted names no mall,
agent or buyer, no folder and no machine.
"""

import functools
import json
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from kefu import __version__, faults
from kefu.console import say
from kefu.errors import EXIT_INPUT, KefuError, one_line
from kefu.run_lock import LongWait
from kefu.settings import Settings
from kefu.stopping import Stopped

if TYPE_CHECKING:
    from kefu.pipeline import Published

URL, KIND, WAIT = "KEFU_WEBHOOK_URL", "KEFU_WEBHOOK_KIND", "KEFU_WEBHOOK_WAIT_MINUTES"
GENERIC = "generic"
# Whose robots listen where; docs/operations.md names what documents them.
KIND_OF_HOST = {
    "qyapi.weixin.qq.com": "wecom",
    "oapi.dingtalk.com": "dingtalk",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "feishu",
}
KINDS = (*dict.fromkeys(KIND_OF_HOST.values()), GENERIC)
# They answer 200 to what they refuse, too, and say so by one of these.
REFUSALS = ("errcode", "code", "StatusCode")

SECONDS_TO_POST = 5.0
SECONDS_TO_CONNECT = 4.0
DEFAULT_WAIT_MINUTES = 30.0
# Enterprise WeChat takes no text of more than 2,048 bytes, the least of all.
LONGEST_TEXT = 2000
LONGEST_ANSWER = 65536
EXIT_UNFORESEEN = 1

PATH = re.compile(r"(?<![\w/])(?:[A-Za-z]:)?(?:/[^\s/:;,()'\"]+)+/?")
# What follows the table in the path of a landed file, which may hold blanks.
BELOW_TABLE = (
    r"(?!load_date=YYYY)(?:(?:(?!: ).)*?"
    r"(?:(?i:SUFFIXES)(?![\w.])|(?= is a link))"
    r"|[^\s:;,()]+)"
)


class NotPostedError(Exception):
    """Nothing was posted; the text says why, without the address."""


@dataclass(frozen=True)
class Webhook:
    """Where to post, and in which form."""

    url: str = field(repr=False)
    kind: str

    def post(self, text: str, told: dict) -> None:
        """Post a message: as `text` to a robot, else with all that is told.

        Raises NotPostedError.
        """
        text = text.encode()[:LONGEST_TEXT].decode(errors="ignore")
        body = json.dumps(body_for(self.kind, text, told), ensure_ascii=False)
        found: list[str | None] = ["no answer in time"]

        def work() -> None:
            try:
                self._send(body.encode())
            except NotPostedError as error:
                found[0] = str(error)
            except Exception as error:
                # Its text may quote the address.
                found[0] = type(error).__name__
            else:
                found[0] = None

        # A name that nobody resolves, or an answer that comes byte by byte, is
        # under no time limit of a socket.
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(SECONDS_TO_POST)
        if found[0]:
            raise NotPostedError(found[0])

    def _send(self, body: bytes) -> None:
        request = urllib.request.Request(
            self.url,
            body,
            {
                "Content-Type": "application/json; charset=utf-8",
                "User-Agent": f"kefu/{__version__}",
            },
        )
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=SECONDS_TO_CONNECT) as answer:
                said = answer.read(LONGEST_ANSWER)
        except urllib.error.HTTPError as error:
            raise NotPostedError(f"the answer was {error.code}") from error
        except TimeoutError as error:
            raise NotPostedError("no answer in time") from error
        except urllib.error.URLError as error:
            told = getattr(error.reason, "strerror", None)
            if isinstance(error.reason, TimeoutError):
                told = "no answer in time"
            raise NotPostedError(told or type(error.reason).__name__) from error
        self._check(said)

    def _check(self, said: bytes) -> None:
        if self.kind == GENERIC:
            return
        try:
            answer = json.loads(said)
        except ValueError as error:
            raise NotPostedError("the answer is not that of a robot") from error
        for name in REFUSALS:
            number = answer.get(name) if isinstance(answer, dict) else None
            if number:
                raise NotPostedError(f"refused with {name} {one_line(number, 20)}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A robot does not move; who would move it is not to learn the rest."""

    def redirect_request(self, *_: object) -> None:
        return None


def body_for(kind: str, text: str, told: dict) -> dict:
    """Return the JSON that a kind of robot takes for a text."""
    if kind in ("wecom", "dingtalk"):
        return {"msgtype": "text", "text": {"content": text}}
    if kind == "feishu":
        return {"msg_type": "text", "content": {"text": text}}
    return {"source": "kefu", **told, "text": text}


def from_environment() -> Webhook | None:
    """Return where to post; None if nowhere.

    The address is gone from the environment afterwards. Raises NotPostedError
    for what cannot be meant.
    """
    url = (os.environ.pop(URL, None) or "").strip()
    kind = (os.environ.get(KIND) or "").strip().lower()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_address = False
    if not is_address or not url.isascii() or not url.isprintable() or " " in url:
        raise NotPostedError(f"{URL} is no address that begins with https://")
    if kind and kind not in KINDS:
        raise NotPostedError(f"{KIND} is none of {', '.join(KINDS)}")
    return Webhook(url, kind or KIND_OF_HOST.get(parts.hostname, GENERIC))


def minutes_to_wait() -> float:
    """Return after how long a wait for another run is told."""
    text = os.environ.get(WAIT) or ""
    try:
        minutes = float(text or DEFAULT_WAIT_MINUTES)
    except ValueError:
        minutes = -1
    if not 0 < minutes < threading.TIMEOUT_MAX / 60:
        raise NotPostedError(f"{WAIT} is no number of minutes above 0")
    return minutes


@dataclass
class Teller:
    """Tells of one run, if there is anybody to tell."""

    webhook: Webhook | None
    wait_minutes: float = DEFAULT_WAIT_MINUTES
    started: float = field(default_factory=time.monotonic)

    @property
    def long_wait(self) -> LongWait | None:
        """After how many seconds a wait is told, and how; None if to nobody."""
        return (60 * self.wait_minutes, self.waits) if self.webhook else None

    def post(self, lines: list[str], told: dict) -> None:
        """Post, or say in a line that it was not possible."""
        if self.webhook is None:
            return
        seconds = round(time.monotonic() - self.started)
        try:
            self.webhook.post("\n".join(lines), {**told, "seconds": seconds})
        except NotPostedError as error:
            say(f"  warning: the webhook was not told: {error}")

    def published(self, done: "Published") -> None:
        """Tell what was published."""
        record, figures = done.record, done.figures
        tests, audit = counts_of(record.tests), counts_of(record.audit)
        warnings = len(record.warnings) + bool(figures.get("warning"))
        warnings += tests.get("warned", 0) + audit.get("warned", 0)
        told = {
            "event": "published",
            "exit_code": 0,
            "run_id": record.run_id,
            "newest_day": figures.get("as-of end"),
            "malls": figures.get("malls"),
            "tests": tests or None,
            "audit": audit or None,
            "is_untested": not record.has_passed,
            "warnings": warnings,
        }
        lines = [
            "Kefu 客服数据已发布 published",
            f"截至 newest day: {told['newest_day'] or '--'}",
            f"店铺 malls: {told['malls'] if told['malls'] is not None else '--'}",
            f"测试 tests: {shown(tests)}",
            f"审计 audit: {shown(audit)}",
            f"警告 warnings: {warnings}",
            f"用时 took: {duration(done.seconds)}",
            f"版本 run: {record.run_id}",
        ]
        if told["is_untested"]:
            lines.insert(1, "未跑完测试或审计 published without all tests and audit")
        self.post(lines, told)

    def failed(self, exit_code: int, line: str) -> None:
        """Tell that nothing was published, and why."""
        line = without_places(line)
        lines = [
            f"Kefu 客服数据运行失败 run failed (exit code {exit_code})",
            line,
            f"用时 took: {duration(time.monotonic() - self.started)}",
        ]
        self.post(lines, {"event": "failed", "exit_code": exit_code, "error": line})

    def waits(self) -> None:
        """Tell that the run has waited long for another one to end."""
        line = f"a run has waited {self.wait_minutes:g} min for another one to end"
        self.post(
            ["Kefu 客服数据运行等待过久 run is waiting", line],
            {"event": "waiting", "error": line},
        )


def telling(function: "Callable[..., Published | None]") -> Callable[..., None]:
    """Tell the webhook how a command ends that runs and may publish.

    A question of the call (exit code 2) and Ctrl-C are for who sits there. The
    function is given `teller`; a run that published returns what.
    """

    @functools.wraps(function)
    def wrapped(**options: object) -> None:
        teller = Teller(None)
        try:
            teller = Teller(from_environment(), minutes_to_wait())
        except NotPostedError as error:
            say(f"  warning: the webhook is not told: {error}")
        try:
            done = function(**options, teller=teller)
        except click.ClickException:
            raise
        except KefuError as error:
            teller.failed(error.exit_code, str(error))
            raise
        except Stopped as stopped:
            if not stopped.by_hand:
                teller.failed(stopped.exit_code, str(stopped))
            raise
        except OSError as error:
            refused = faults.refused_write(error)
            code = EXIT_INPUT if refused else EXIT_UNFORESEEN
            teller.failed(code, refused or f"unforeseen: {type(error).__name__}")
            raise
        except Exception as error:
            teller.failed(EXIT_UNFORESEEN, f"unforeseen: {type(error).__name__}")
            raise
        if done is not None:
            teller.published(done)

    return wrapped


def counts_of(found: dict | str) -> dict[str, int]:
    """Return how many tests or checks passed and warned; empty if none ran."""
    if not isinstance(found, dict):
        return {}
    if "checks" not in found:
        return {name: found.get(name) or 0 for name in ("passed", "warned")}
    outcomes = [check.get("success") for check in found["checks"]]
    return {"passed": outcomes.count(True), "warned": outcomes.count(False)}


def shown(counts: dict[str, int]) -> str:
    """Return counts as one reads them."""
    told = ", ".join(f"{number} {name}" for name, number in counts.items())
    return told or "未运行 not run"


def duration(seconds: float) -> str:
    """Return a time in seconds, from two minutes on in minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def without_places(line: str) -> str:
    """Return a line without folders and the machine's name.

    Of a path its last part stays; of our own places, what they are; of a landed
    file its table, as folders and files there may be named after malls.
    """
    # Here, as every command loads this module and few fail.
    from kefu.contract import NEEDED_TABLES, read_contract  # noqa: PLC0415
    from kefu.landing import FORMATS  # noqa: PLC0415

    tables = set(NEEDED_TABLES)
    try:
        settings = Settings.from_env()
        places = {
            str(settings.raw_root): "the raw root",
            str(settings.database): "the working database",
            str(settings.published): "the published file",
            str(settings.root): "the project",
            str(settings.raw_database or ""): "the raw database",
        }
        tables |= set(read_contract(settings.root))
    except KefuError:
        places = {}
    for place, name in sorted(places.items(), key=lambda item: -len(item[0])):
        if len(place) > 1:
            line = re.sub(rf"{re.escape(place)}(?=$|[\s:;,()])", name, line)
            line = line.replace(f"{place}/", "")
    named = "|".join(map(re.escape, sorted(tables)))
    below = BELOW_TABLE.replace("SUFFIXES", "|".join(map(re.escape, FORMATS)))
    line = re.sub(rf"(?<![\w./-])({named})/{below}", r"\1/…", line)
    line = PATH.sub(lambda found: found.group().rstrip("/").rpartition("/")[2], line)
    machine = socket.gethostname()
    if machine:
        line = re.sub(rf"(?<!\w){re.escape(machine)}(?!\w)", "this machine", line)
    return one_line(line, 400)
