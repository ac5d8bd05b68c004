"""The one kind of error that a user is meant to read."""

EXIT_OK = 0
EXIT_NOT_CONFIRMED = 1
EXIT_USAGE = 2
EXIT_INPUT = 3
EXIT_BUILD = 4
EXIT_PUBLISH = 5
EXIT_AUDIT = 6


class KefuError(Exception):
    """An error with a way out, said in one line.

    The message is shown as it is, without a traceback; `exit_code` is what
    the command line ends with.
    """

    def __init__(self, message: str, exit_code: int = EXIT_INPUT) -> None:
        super().__init__(one_line(message))
        self.exit_code = exit_code


def one_line(text: object, limit: int = 600) -> str:
    """Return the text on one line, cut to `limit` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."
