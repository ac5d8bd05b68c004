"""Starts `kefu` in new processes that need not import dbt anew.

dbt takes seconds to import and the tests start the command some dozens of
times. One process imports it and, for each call, forks: the child has an
environment, a folder and a package `kefu` of its own, and dies when it is done.
"""

import atexit
import contextlib
import gc
import json
import os
import resource
import runpy
import signal
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Started:
    """A call of `kefu` that is under way, in a process group of its own."""

    warm: "WarmStart"
    arguments: list[str]
    pid: int
    files: tuple[Path, Path]
    code: int | None = None

    @property
    def printed(self) -> str:
        """What it has printed so far."""
        return self.files[0].read_text(encoding="utf-8", errors="replace")

    def has_ended(self) -> bool:
        """Tell whether it has ended; its exit code is then known."""
        if self.code is None:
            self.code = self.warm.ask({"do": "poll", "pid": self.pid})
        return self.code is not None

    def kill(self, number: int = signal.SIGKILL, *, alone: bool = False) -> None:
        """Send a signal to it and to the processes of its group, or to it alone.

        SIGKILL goes to what it started in other sessions, too.
        """
        if self.has_ended():
            return
        children = []
        if number == signal.SIGKILL and not alone:
            # So that it starts no more of them meanwhile.
            os.kill(self.pid, signal.SIGSTOP)
            children = children_of(self.pid)
        (os.kill if alone else os.killpg)(self.pid, number)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    def done(self, seconds: float = 120) -> subprocess.CompletedProcess:
        """Wait for its end, or fail after so many seconds."""
        deadline = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > deadline:
                self.kill()
                raise TimeoutError(f"{self.arguments} took more than {seconds} s")
            time.sleep(0.01)
        texts = [file.read_text(encoding="utf-8") for file in self.files]
        for file in self.files:
            file.unlink()
        return subprocess.CompletedProcess(self.arguments, self.code, *texts)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started, as Linux lists them."""
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in brackets, may hold anything.
            parent = file.read_text(errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.append(int(file.parent.name))
    return found


class WarmStart:
    """The parent's side: one server, started at the first call."""

    def __init__(self) -> None:
        self.server: subprocess.Popen | None = None
        self.calls = 0

    def ask(self, request: dict) -> int | None:
        """Send the server one request; return its answer."""
        if self.server is None:
            self.server = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            atexit.register(self.stop)
        print(json.dumps(request), file=self.server.stdin, flush=True)
        return json.loads(self.server.stdout.readline())

    def start(
        self,
        arguments: list[str],
        cwd: Path,
        environment: dict[str, str],
        limits: dict[str, int] | None = None,
    ) -> Started:
        """Call `kefu` with the arguments and do not wait.

        `limits` are names of resource limits, such as RLIMIT_FSIZE, and values.
        """
        self.calls += 1
        files = (cwd / f".stdout-{self.calls}", cwd / f".stderr-{self.calls}")
        for file in files:
            file.touch()
        call = [arguments, str(cwd), environment, *map(str, files), limits or {}]
        return Started(self, arguments, self.ask({"do": "start", "call": call}), files)

    def run(
        self, arguments: list[str], cwd: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess:
        """Call `kefu` with the arguments and wait for its end."""
        started = self.start(arguments, cwd, environment)
        started.code = self.ask({"do": "wait", "pid": started.pid})
        return started.done()

    def stop(self) -> None:
        """End the server: it ends with its input."""
        self.server.stdin.close()
        self.server.wait()


def serve() -> None:
    """Fork for a start, answer its process id; answer exit codes when asked."""
    import dbt.adapters.duckdb  # noqa: PLC0415
    import dbt.cli.main  # noqa: F401, PLC0415

    # Children need not look through what was imported here.
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "start":
            preload_for(request["call"][0])
            answer = os.fork()
            if answer == 0:
                become_kefu(*request["call"])
            # Here too, so that the group is there before anybody signals it.
            os.setpgid(answer, answer)
        else:
            options = os.WNOHANG if request["do"] == "poll" else 0
            child, status = os.waitpid(request["pid"], options)
            answer = os.waitstatus_to_exitcode(status) if child else None
        print(json.dumps(answer), flush=True)
    # The libraries' own clearing up has nothing to do and a lot to say.
    os._exit(0)


def preload_for(arguments: list[str]) -> None:
    """Import what the call's audit will want, once for all calls that do."""
    if arguments[:1] in (["run"], ["check"]) and "--no-audit" not in arguments:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        import great_expectations.data_context.types.base  # noqa: F401, PLC0415

        gc.freeze()


def become_kefu(
    arguments: list[str],
    cwd: str,
    environment: dict[str, str],
    out: str,
    err: str,
    limits: dict[str, int],
) -> None:
    """Run the command line in this process and end it."""
    os.setpgid(0, 0)
    # In a background job Ctrl-C is ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = environment["PYTHONPATH"]
    sys.argv = ["kefu", *arguments]
    code = 1
    try:
        runpy.run_module("kefu.cli", run_name="__main__")
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:
        traceback.print_exc()
    # Whatever wants to clear up behind itself may. Taking the interpreter
    # apart would be most of the time of a short call.
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
