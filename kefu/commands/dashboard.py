"""`kefu dashboard`: the pages over the published file."""

import socket
import threading
import time
import urllib.request
import webbrowser
from importlib import import_module
from pathlib import Path

import click

from kefu.console import say
from kefu.errors import EXIT_USAGE, KefuError
from kefu.settings import Settings

APP = Path(__file__).resolve().parents[1] / "dashboard" / "app.py"
LOCAL = "127.0.0.1"
EVERYWHERE = {"0.0.0.0": LOCAL, "::": "::1"}


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option(
    "--host",
    default=LOCAL,
    show_default=True,
    help="Address to listen on; others than this machine's own let anybody in.",
)
@click.option(
    "--public-host",
    help="Name under which a reverse proxy serves the pages, if one does.",
)
@click.option("--base-path", help="Path below which it serves them, such as kefu.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
def command(
    port: int,
    host: str,
    public_host: str | None,
    base_path: str | None,
    no_browser: bool,
) -> None:
    """Show the published file as pages, until Ctrl-C.

    The pages follow every new publication by themselves. They ask for no
    password: who can reach the address reads all of them.
    """
    published = Settings.from_env().published
    refuse_taken(host, port)
    path = (base_path or "").strip("/")
    shown = EVERYWHERE.get(host, host)
    told_host = f"[{shown}]" if ":" in shown else shown
    address = f"http://{told_host}:{port}/{path and path + '/'}"
    say(f"dashboard of {published}")
    if not published.is_file():
        say("  nothing is published there yet: `kefu run`; the pages will follow")
    say(f"  {address}  (Ctrl-C ends it)")
    if not no_browser:
        threading.Thread(target=open_browser, args=[address], daemon=True).start()
    serve(options(port, host, public_host, path))


def refuse_taken(host: str, port: int) -> None:
    """Raise KefuError unless the address is free to listen on."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise KefuError(
            f"{host} is no address of this machine: give one with --host", EXIT_USAGE
        ) from error
    with socket.socket(family, kind, protocol) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(place)
        except OSError as error:
            raise KefuError(
                f"{host}:{port} cannot be listened on ({error.strerror}): give another"
                " port with --port",
                EXIT_USAGE,
            ) from error


def options(
    port: int, host: str, public_host: str | None, base_path: str
) -> dict[str, object]:
    """Return the settings of Streamlit, all of them, whatever the user's file says.

    Nothing is sent to anyone, nothing is watched, no menu for developers.
    """
    settings = {
        "global.developmentMode": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "client.showSidebarNavigation": True,
        "logger.level": "warning",
        "logger.hideWelcomeMessage": True,
        "runner.fastReruns": True,
        "runner.magicEnabled": False,
        "server.address": host,
        "server.baseUrlPath": base_path,
        "server.enableCORS": True,
        "server.enableStaticServing": False,
        "server.enableXsrfProtection": True,
        "server.fileWatcherType": "none",
        "server.headless": True,
        "server.maxUploadSize": 1,
        "server.port": port,
        "server.runOnSave": False,
        "theme.base": "light",
        "theme.primaryColor": "#0072B2",
    }
    if public_host:
        settings["browser.serverAddress"] = public_host
    return settings


def serve(settings: dict[str, object]) -> None:
    """Serve the pages until the process is asked to end."""
    from streamlit import net_util  # noqa: PLC0415
    from streamlit.web import bootstrap  # noqa: PLC0415

    # Now, so that the first who opens a page does not wait for it.
    for page in import_module("kefu.dashboard.shell").PAGES:
        import_module(f"kefu.dashboard.views.{page.name}")

    # To judge a request of another origin it would ask a service of the net
    # for this machine's public address.
    net_util.get_external_ip = lambda: None
    flags = {name.replace(".", "_"): value for name, value in settings.items()}
    bootstrap.load_config_options(flags)
    bootstrap.run(str(APP), False, [], flags)


def open_browser(address: str, wait_seconds: float = 30) -> None:
    """Open the pages once they answer."""
    until = time.monotonic() + wait_seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}_stcore/health", timeout=1):
                webbrowser.open(address)
                return
        except OSError:
            time.sleep(0.2)
