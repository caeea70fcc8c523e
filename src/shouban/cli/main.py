"""`shouban`: one file a command. Exit codes: 0 done, 1 problems found, 2 the call or the set-up is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from rich.console import Console

from shouban import __version__
from shouban.core.errors import EvidenceError, PackError, ShoubanError

app = App(
    name="shouban",
    help="守伴 Shouban: keeps a companion-AI service lawful and its people safe.\n\nExample: `shouban demo`",
    version=__version__,
    help_format="plaintext",
)
# Named, not imported: a command loads only what it needs itself.
COMMANDS = {
    "demo": "demo:demo",
    "serve": "serve:serve",
    "check": "check:check_texts",
    "simulate": "simulate:simulate",
    "eval": "eval:evaluate_detectors",
    "robustness": "robustness:robustness",
    "pack": "pack:app",
    "evidence": "evidence:app",
    "care": "care:app",
    "key": "key:app",
}
for name, place in COMMANDS.items():
    app.command(f"shouban.cli.{place}", name=name)


def main(words: Sequence[str] | None = None) -> None:
    """Runs one command and ends with its code; an error of ours is one line, not a traceback."""
    try:
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        fail(str(error), code=2)
    except (PackError, EvidenceError) as error:
        fail(str(error), code=1)
    except ShoubanError as error:
        fail(str(error), code=2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read us has read enough (`shouban … | head`); nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, *, code: int) -> None:
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"shouban: {message}")
    sys.exit(code)


if __name__ == "__main__":
    main()
