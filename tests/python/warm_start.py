"""Starts `kefu` in new processes that need not import dbt anew.

dbt takes seconds to import and the tests start the command some dozens of
times. One process imports it and, for each call, forks: the child has an
environment, a folder and a package `kefu` of its own, and dies when it is done.
"""

import atexit
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path


class WarmStart:
    """The parent's side: one server, started at the first call."""

    def __init__(self) -> None:
        self.server: subprocess.Popen | None = None

    def run(
        self, arguments: list[str], cwd: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess:
        """Call `kefu` with the arguments and wait for its end."""
        if self.server is None:
            self.server = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            atexit.register(self.stop)
        files = [cwd / ".stdout", cwd / ".stderr"]
        request = [arguments, str(cwd), environment, *map(str, files)]
        print(json.dumps(request), file=self.server.stdin, flush=True)
        code = json.loads(self.server.stdout.readline())
        texts = [file.read_text(encoding="utf-8") for file in files]
        for file in files:
            file.unlink()
        return subprocess.CompletedProcess(arguments, code, *texts)

    def stop(self) -> None:
        """End the server: it ends with its input."""
        self.server.stdin.close()
        self.server.wait()


def serve() -> None:
    """Fork once for every line of the input; answer with the exit code."""
    import dbt.adapters.duckdb  # noqa: PLC0415
    import dbt.cli.main  # noqa: F401, PLC0415

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            become_kefu(*json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become_kefu(
    arguments: list[str], cwd: str, environment: dict[str, str], out: str, err: str
) -> None:
    """Run the command line in this process and end it."""
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = environment["PYTHONPATH"]
    sys.argv = ["kefu", *arguments]
    # Ends as any process does, so that dbt can clear up behind itself.
    runpy.run_module("kefu.cli", run_name="__main__")
    sys.exit(0)


if __name__ == "__main__":
    serve()
