"""The webhook: who is told how a run ended, and what nobody is told."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
from conftest import Kefu, land, text_row
from gated import Gate, make_gated
from test_publish_commands import audited, check

from kefu import webhook
from kefu.errors import EXIT_AUDIT, EXIT_BUILD, EXIT_INPUT

TOKEN = "f00d-a-token-that-nobody-may-see"
RUN = ("run", "--no-audit", "--publish-untested")
MALL = "某某官方旗舰店"


class Robot:
    """A server that keeps what is posted and answers by its path."""

    def __init__(self) -> None:
        self.posted: list[dict] = []
        self.asked: list[str] = []
        self.patience = threading.Event()
        robot = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                path = self.path.split("?")[0].strip("/")
                robot.asked.append(path)
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                robot.posted.append(json.loads(body or "{}"))
                if path == "slow":
                    robot.patience.wait(60)
                if path == "drip":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    while not robot.patience.wait(0.5):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    return
                if path == "garbage":
                    self.wfile.write(b"this is no HTTP\r\n\r\n")
                    return
                codes = {"broken": 500, "moved": 302}
                self.send_response(codes.get(path, 200))
                if path == "moved":
                    self.send_header("Location", f"{robot.url('elsewhere')}")
                self.end_headers()
                answers = {"refusing": b'{"errcode": 93000, "errmsg": "no"}'}
                self.wfile.write(answers.get(path, b'{"errcode": 0}'))

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str = "told") -> str:
        return f"http://127.0.0.1:{self.server.server_port}/{path}?key={TOKEN}"

    def of(self, path: str = "told", kind: str = "") -> dict[str, str]:
        """The environment of a run that is to post there."""
        return {"KEFU_WEBHOOK_URL": self.url(path), "KEFU_WEBHOOK_KIND": kind}


@pytest.fixture
def robot() -> Iterator[Robot]:
    robot = Robot()
    yield robot
    robot.patience.set()
    robot.server.shutdown()
    robot.server.server_close()


@pytest.fixture
def world(mini: Kefu) -> Kefu:
    land(
        mini.raw_root,
        "malls",
        [text_row("malls", mall_id="m9", mall_name=MALL)],
        "named.parquet",
    )
    return mini


def run_id_in(published: Path) -> str:
    with duckdb.connect(str(published), read_only=True) as connection:
        ((run_id,),) = connection.execute(
            "select run_id from meta.publication"
        ).fetchall()
    return run_id


def test_a_publication_is_told(world: Kefu, robot: Robot) -> None:
    audited(world, check("volume", success=True), check("x", success=True))
    done = world("run", **robot.of(), KEFU_BUYER_KEY="a secret of the tests")
    assert done.returncode == 0, done.stderr
    (told,) = robot.posted
    text = told.pop("text")
    run_id = run_id_in(world.published)
    assert 0 < told.pop("seconds") < 120
    tests, told_of = told.pop("tests"), told.pop("warnings")
    assert tests["passed"] > 0 and tests["warned"] == 0
    assert told == {
        "source": "kefu",
        "event": "published",
        "exit_code": 0,
        "run_id": run_id,
        # The mini project has no table that tells a day.
        "newest_day": None,
        "malls": 4,
        "audit": {"passed": 2, "warned": 0},
        "is_untested": False,
    }
    assert told_of == done.stdout.count("  warning:") > 0
    assert text.startswith("Kefu 客服数据已发布 published\n")
    assert run_id in text and "malls: 4\n" in text
    assert f"{tests['passed']} passed" in text

    # What brings nothing new is no news.
    again = world("run", **robot.of(), KEFU_BUYER_KEY="a secret of the tests")
    assert "nothing new" in again.stdout and again.returncode == 0
    assert len(robot.posted) == 1

    assert TOKEN not in done.stdout + done.stderr
    for file in world.home.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file
    assert MALL not in text


def lose_the_orders(world: Kefu) -> None:
    for file in (world.raw_root / "orders").rglob("*.parquet"):
        file.unlink()


def break_a_model(world: Kefu) -> None:
    model = world.project / "models" / "marts" / "dim_malls.sql"
    model.write_text(
        f"select error('{MALL}') as mall_id, 'x' as hashed_key", encoding="utf-8"
    )


def fail_the_audit(world: Kefu) -> None:
    audited(world, check("volume", success=False))


@pytest.mark.parametrize(
    ("spoil", "code", "told"),
    [
        (lose_the_orders, EXIT_INPUT, "no data file"),
        (break_a_model, EXIT_BUILD, "model dim_malls failed"),
        (fail_the_audit, EXIT_AUDIT, "the audit found what must not be published"),
    ],
)
def test_a_failure_is_told(
    world: Kefu, robot: Robot, spoil: object, code: int, told: str
) -> None:
    audited(world, check("volume", success=True))
    spoil(world)
    done = world("run", **robot.of())
    assert done.returncode == code, done.stdout + done.stderr
    (posted,) = robot.posted
    assert (posted["event"], posted["exit_code"]) == ("failed", code)
    assert told in posted["error"] and told in done.stderr
    assert "\n" not in posted["error"]
    everything = json.dumps(posted, ensure_ascii=False)
    assert str(world.home) not in everything and "/tmp" not in everything
    assert MALL not in everything
    assert TOKEN not in done.stdout + done.stderr


def test_an_unforeseen_end_is_told_without_its_words(world: Kefu, robot: Robot) -> None:
    package = audited(world).project / "kefu" / "audit" / "__init__.py"
    package.write_text(
        package.read_text(encoding="utf-8").replace(
            "    checks = json", f"    raise ValueError('{MALL}')\n    checks = json"
        ),
        encoding="utf-8",
    )
    done = world("run", **robot.of())
    assert done.returncode == 1 and "ValueError" in done.stderr
    (posted,) = robot.posted
    assert posted["exit_code"] == 1 and posted["error"] == "unforeseen: ValueError"
    assert MALL not in json.dumps(posted, ensure_ascii=False)


BAD_PLACES = {
    "broken": "the answer was 500",
    "moved": "the answer was 302",
    "refusing": "refused with errcode 93000",
    "garbage": "BadStatusLine",
}


@pytest.mark.parametrize("path", BAD_PLACES)
def test_a_server_that_does_not_take_it(kefu: Kefu, robot: Robot, path: str) -> None:
    """One line of warning; the run ends as it would have."""
    lose_the_orders(kefu)
    done = kefu("run", **robot.of(path, "wecom"))
    assert done.returncode == EXIT_INPUT
    assert robot.asked == [path]
    warnings = [line for line in done.stdout.splitlines() if "warning" in line]
    assert warnings == [f"  warning: the webhook was not told: {BAD_PLACES[path]}"]
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("path", ["slow", "drip"])
def test_a_slow_server_is_not_waited_for(kefu: Kefu, robot: Robot, path: str) -> None:
    lose_the_orders(kefu)
    started = time.monotonic()
    done = kefu("run", **robot.of(path))
    assert time.monotonic() - started < webhook.SECONDS_TO_POST + 5
    assert done.returncode == EXIT_INPUT
    assert "  warning: the webhook was not told: no answer in time" in done.stdout


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://127.0.0.1/{TOKEN}",
        f"/var/{TOKEN}",
        f"https://[{TOKEN}",
        f"https://127.0.0.1:99999/{TOKEN}",
        f"https://127.0.0.1/{TOKEN} x",
        f"http://127.0.0.1:1/{TOKEN}",
        f"http://{TOKEN}.invalid/",
    ],
)
def test_an_address_that_leads_nowhere(kefu: Kefu, url: str) -> None:
    lose_the_orders(kefu)
    done = kefu("run", KEFU_WEBHOOK_URL=url)
    assert done.returncode == EXIT_INPUT
    warnings = [line for line in done.stdout.splitlines() if "warning" in line]
    assert len(warnings) == 1 and "the webhook " in warnings[0]
    assert TOKEN not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_published_run_stays_published(world: Kefu, robot: Robot) -> None:
    done = world(*RUN, **robot.of("broken"))
    assert done.returncode == 0 and world.published.exists()
    assert "  warning: the webhook was not told: the answer was 500" in done.stdout
    assert robot.posted[0]["is_untested"] is True


def test_settings_of_the_webhook(kefu: Kefu, robot: Robot) -> None:
    """A slip in them costs the news, not the run."""
    lose_the_orders(kefu)
    done = kefu("run", **robot.of(kind="wechat"))
    assert done.returncode == EXIT_INPUT
    assert "KEFU_WEBHOOK_KIND is none of wecom, dingtalk, feishu" in done.stdout
    done = kefu("run", **robot.of(), KEFU_WEBHOOK_WAIT_MINUTES="long")
    assert done.returncode == EXIT_INPUT
    assert "KEFU_WEBHOOK_WAIT_MINUTES is no number of minutes" in done.stdout
    assert robot.posted == []
    # Other settings are read before the run begins, and told of like any failure.
    done = kefu("run", **robot.of(), KEFU_KEEP_VERSIONS="many")
    assert done.returncode == EXIT_INPUT
    assert "KEFU_KEEP_VERSIONS" in robot.posted[0]["error"]


def test_calls_are_no_news(kefu: Kefu, robot: Robot) -> None:
    assert kefu("run", "--help", **robot.of()).returncode == 0
    assert kefu("run", "--nonsense", **robot.of()).returncode == 2
    wrong = ("run", "--publish-untested")
    assert kefu(*wrong, **robot.of()).returncode == 2
    assert robot.posted == []


def test_the_end_by_a_signal(tmp_path: Path, robot: Robot) -> None:
    """SIGTERM is told; Ctrl-C is not: somebody sits there."""
    world = make_gated(tmp_path)
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        gate = Gate(tmp_path / f"gate-{code}")
        run = world.start(*RUN, TEST_GATE=str(gate.path), **robot.of())
        gate.wait()
        run.kill(number, alone=True)
        gate.open()
        assert run.done().returncode == code
    assert [told["exit_code"] for told in robot.posted] == [143]
    assert "stopped by SIGTERM" in robot.posted[0]["error"]


def test_a_long_wait_is_told(tmp_path: Path, robot: Robot) -> None:
    world = make_gated(tmp_path)
    gate = Gate(tmp_path / "gate")
    first = world.start(*RUN, TEST_GATE=str(gate.path))
    gate.wait()
    # Without --wait it is a failure like others.
    refused = world(*RUN, **robot.of())
    assert refused.returncode == EXIT_INPUT
    assert robot.posted[0]["exit_code"] == EXIT_INPUT
    assert "another run" in robot.posted[0]["error"]
    soon = {"KEFU_WEBHOOK_WAIT_MINUTES": "0.001"}
    waiting = world.start(*RUN, "--wait", **robot.of(), **soon)
    deadline = time.monotonic() + 60
    while len(robot.posted) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert robot.posted[1]["event"] == "waiting"
    gate.open()
    assert first.done().returncode == 0
    assert waiting.done().returncode == 0
    events = [told["event"] for told in robot.posted]
    assert events == ["failed", "waiting", "published"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("wecom", {"msgtype": "text", "text": {"content": "TEXT"}}),
        ("dingtalk", {"msgtype": "text", "text": {"content": "TEXT"}}),
        ("feishu", {"msg_type": "text", "content": {"text": "TEXT"}}),
    ],
)
def test_each_robot_gets_its_form(
    kefu: Kefu, robot: Robot, kind: str, body: dict
) -> None:
    lose_the_orders(kefu)
    done = kefu("run", **robot.of(kind=kind))
    assert done.returncode == EXIT_INPUT and "warning" not in done.stdout
    (posted,) = robot.posted
    text = posted["content"]["text"] if kind == "feishu" else posted["text"]["content"]
    assert text.startswith("Kefu 客服数据运行失败 run failed (exit code 3)\n")
    shape = json.loads(json.dumps(body).replace('"TEXT"', json.dumps(text)))
    assert posted == shape


def test_a_robot_is_known_by_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEFU_WEBHOOK_KIND", raising=False)
    for url, kind in (
        (f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={TOKEN}", "wecom"),
        (f"https://oapi.dingtalk.com/robot/send?access_token={TOKEN}", "dingtalk"),
        (f"https://open.feishu.cn/open-apis/bot/v2/hook/{TOKEN}", "feishu"),
        (f"https://OPEN.larksuite.com/open-apis/bot/v2/hook/{TOKEN}", "feishu"),
        (f"https://example.com/{TOKEN}", "generic"),
    ):
        monkeypatch.setenv("KEFU_WEBHOOK_URL", url)
        found = webhook.from_environment()
        assert found.kind == kind and found.url == url
        assert TOKEN not in repr(found)
        # Nothing that a run starts finds it there.
        assert webhook.from_environment() is None


def test_a_robot_gets_no_more_than_it_takes(robot: Robot) -> None:
    webhook.Webhook(robot.url(), "wecom").post("汉" * 5000, {})
    (posted,) = robot.posted
    assert 1900 < len(posted["text"]["content"].encode()) <= 2048


def test_no_places_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "a folder"
    monkeypatch.setenv("KEFU_DATABASE", str(home / "work.duckdb"))
    monkeypatch.setattr(webhook.socket, "gethostname", lambda: "box7")
    line = (
        f"another run (process 3 on box7, since now) is working on {home}/work.duckdb:"
        " more in /srv/kefu/logs/dbt.log, see C:/data/x and /etc"
    )
    assert webhook.without_places(line) == (
        "another run (process 3 on this machine, since now) is working on the working"
        " database: more in dbt.log, see x and etc"
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "orders: file orders/load_date=2026-11-01/某某旗舰店.csv cannot be read"
            " as CSV (a row has too few columns): deliver it again, or take it away",
            "orders: file orders/… cannot be read as CSV (a row has too few columns):"
            " deliver it again, or take it away",
        ),
        (
            "refunds: file refunds/load_date=2026-11-01/某某 旗舰店 (2).CSV.gz, column"
            " mall_id, cannot be read",
            "refunds: file refunds/…, column mall_id, cannot be read",
        ),
        (
            "orders: orders/某某旗舰店/a.csv does not lie in a load_date folder: move"
            " it to orders/load_date=YYYY-MM-DD/",
            "orders: orders/… does not lie in a load_date folder: move it to"
            " orders/load_date=YYYY-MM-DD/",
        ),
        (
            "orders: folder orders/某某 旗舰店 is a link to a folder that it lies in",
            "orders: folder orders/… is a link to a folder that it lies in",
        ),
        (
            "RAW/malls/load_date=2026-11-01/某某.parquet and messages/某某.jsonl",
            "malls/… and messages/…",
        ),
        (
            "seeds/sale_seasons.csv has no column day; orders: 3 rows",
            "seeds/sale_seasons.csv has no column day; orders: 3 rows",
        ),
    ],
)
def test_no_landed_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, told: str
) -> None:
    raw = tmp_path / "raw root"
    monkeypatch.setenv("KEFU_RAW_ROOT", str(raw))
    assert webhook.without_places(line.replace("RAW", str(raw))) == told


def test_a_file_that_cannot_be_read_is_told_by_its_table(
    kefu: Kefu, robot: Robot
) -> None:
    spoilt = kefu.raw_root / "orders/load_date=2026-11-01/某某旗舰店.parquet"
    spoilt.parent.mkdir(parents=True, exist_ok=True)
    spoilt.write_bytes(b"no Parquet")
    done = kefu("run", **robot.of())
    assert done.returncode == EXIT_INPUT and "某某旗舰店" in done.stderr
    (posted,) = robot.posted
    assert "orders: file orders/… cannot be read" in posted["error"]
    assert "某某" not in json.dumps(posted, ensure_ascii=False)
