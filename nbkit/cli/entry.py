"""The command line: what can be said, who does it, and how it ends.

Ends with 0 when it is done, 1 with three lines on stderr when it cannot be, 2 when the command is not understood, 130
when it was interrupted, 143 when it was told to end (SIGTERM): both keep what was done. `nbkit watch` has codes of its
own. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from nbkit.cli import monitoring
from nbkit.errors import BadSetting, NbkitError

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - argparse has no public name for it
_DESCRIPTION = "LLM cells for Jupyter: guarded, cached, priced, recorded and re-runnable."
_EPILOG = "In a notebook: %load_ext nbkit, then %%llm. What nbkit keeps is below NBKIT_HOME."
DEMO_MODEL = "qwen2.5-coder-0.5b"
INTERRUPTED, TERMINATED = 130, 143


class Terminated(KeyboardInterrupt):
    """The process was told to end; it keeps what an interrupt would keep."""


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code of `nbkit ARGV`, once it is done.

    >>> main(["models", "path", "no-such-model"])
    1
    """
    arguments = build_parser().parse_args(argv)
    try:
        with _told_to_end():
            return int(arguments.act(arguments))
    except NbkitError as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        return 1
    except Terminated:
        print("\nterminated", file=sys.stderr)
        return TERMINATED
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `nbkit models ls | head` has read what it wanted
        sys.stderr.close()
        return 0


@contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM as an interrupt meanwhile, where this thread may say so and nobody has said it before."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(_number: int, _frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(prog="nbkit", description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_doctor(commands)
    _add_models(commands)
    _add_prices(commands)
    _add_run(commands)
    _add_report(commands)
    _add_eval(commands)
    monitoring.add_commands(commands)
    return parser


class _Version(argparse.Action):
    """Prints the version, looked up when it is asked for."""

    def __call__(self, *_: object) -> None:
        """Prints it and ends."""
        from nbkit.registry import DISTRIBUTION, installed_version

        print(f"nbkit {installed_version()} ({DISTRIBUTION})")
        sys.exit(0)


def _add_demo(commands: _Commands) -> None:
    said = "Fetch a small local model (once), run the quickstart notebook on it, and write an offline HTML report."
    demo = commands.add_parser("demo", help="run the quickstart on a local model", description=said)
    demo.add_argument("--model", default=DEMO_MODEL, help="weights to run it on (default: %(default)s)")
    demo.add_argument(
        "--out",
        type=Path,
        default=Path("nbkit-demo"),
        metavar="DIR",
        help="where the results go (default: %(default)s)",
    )
    demo.add_argument("--open", action="store_true", dest="opens", help="show the report in the browser")
    demo.set_defaults(act=_demo)


def _add_doctor(commands: _Commands) -> None:
    said = (
        "Check Python, packages, home directory, cache, records, weights, providers, widgets. Ends with 1 if one fails."
    )
    doctor = commands.add_parser("doctor", help="check the installation", description=said)
    doctor.add_argument("--json", action="store_true", dest="is_json", help="print JSON")
    doctor.set_defaults(act=_doctor)


def _add_models(commands: _Commands) -> None:
    models = commands.add_parser(
        "models", help="list, fetch or remove local models", description="Weights of models that run on this machine."
    )
    actions = models.add_subparsers(title="actions", metavar="ACTION", required=True)
    ls = actions.add_parser("ls", help="list the catalogue, and what is here")
    ls.set_defaults(act=_models_ls)
    for name, act, said in (
        ("pull", _models_pull, "fetch weights, or continue to; the same bytes whatever the source"),
        ("rm", _models_rm, "remove weights from this machine"),
        ("path", _models_path, "print where the weights are"),
    ):
        action = actions.add_parser(name, help=said, description=said[0].upper() + said[1:] + ".")
        action.add_argument("name", metavar="NAME", help="a name that `nbkit models ls` lists")
        action.set_defaults(act=act)


def _add_prices(commands: _Commands) -> None:
    prices = commands.add_parser("prices", help="show or renew the table of prices", description="Prices of models.")
    actions = prices.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print which table holds, and what a model costs")
    show.add_argument("model", nargs="?", metavar="PROVIDER:MODEL", help="such as openai:gpt-4o-mini")
    show.set_defaults(act=_prices_show)
    renew = actions.add_parser("refresh", help="fetch the newest table; the one command that looks prices up elsewhere")
    renew.add_argument("--url", help="where from (default: the data of genai-prices)")
    renew.set_defaults(act=_prices_refresh)


def _add_run(commands: _Commands) -> None:
    run = commands.add_parser("run", help="execute a notebook", description="Execute a notebook, and keep its outputs.")
    run.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    run.add_argument(
        "-p", nargs=2, action="append", default=[], dest="parameters", metavar=("NAME", "VALUE"),
        help="set a variable of the cell tagged `parameters`; may be repeated",
    )  # fmt: skip
    run.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="OUT",
        help="where the executed notebook goes (default: NOTEBOOK.executed.ipynb)",
    )
    run.add_argument("--report", action="store_true", dest="reports", help="write the HTML report as well")
    said = "keep what it embeds in OUT.vectors, so that NBKIT_REPLAY=OUT needs no embedding model; caches are not used"
    run.add_argument("--vectors", action="store_true", help=said)
    run.set_defaults(act=_run)


def _add_eval(commands: _Commands) -> None:
    said = (
        "Evaluate: a task file (TOML: dataset, prompt, metrics, settings) or those of a notebook, ending with "
        "1 where a limit is not reached; or, with --beir, the retrieval of a judged collection."
    )
    judge = commands.add_parser("eval", help="evaluate, as a gate or on a judged collection", description=said)
    judge.add_argument("path", type=Path, nargs="?", metavar="NOTEBOOK|TASK.toml")
    judge.add_argument("--baseline", metavar="RUN", help="run to compare with: its name, the start of its id, or last")
    for flag, meaning in (("--fail-under", "least mean"), ("--tolerance", "how much worse than the baseline may be")):
        judge.add_argument(flag, action="append", default=[], metavar="METRIC=X", help=f"{meaning}; may be repeated")
    judge.add_argument("--beir", type=Path, metavar="DIR", help="corpus.jsonl, queries.jsonl, qrels.tsv")
    judge.add_argument("--mode", default="hybrid,dense,bm25", metavar="MODES", help="of --beir (default: %(default)s)")
    judge.add_argument(
        "--run-out", type=Path, metavar="RUN.trec", help="of --beir: the rankings as trec_eval reads them"
    )
    judge.add_argument("--json", type=Path, metavar="OUT", dest="json_out", help="write the figures")
    judge.set_defaults(act=_eval)


def _add_report(commands: _Commands) -> None:
    said = "One self-contained HTML page from an executed notebook: no kernel is started, nothing is fetched."
    report = commands.add_parser("report", help="write an offline HTML report", description=said)
    report.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    report.add_argument("-o", "--out", type=Path, metavar="OUT", help="where the page goes")
    report.add_argument("--hide-code", action="store_true", help="leave the code out, keep prompts and answers")
    report.set_defaults(act=_report)


def _demo(arguments: argparse.Namespace) -> int:
    from nbkit.cli.demo import demo

    return demo(arguments.model, out=arguments.out, opens=arguments.opens)


def _prices_show(arguments: argparse.Namespace) -> int:
    from nbkit.cli.prices import show

    return show(arguments.model)


def _prices_refresh(arguments: argparse.Namespace) -> int:
    from nbkit.cli.prices import renew

    return renew(arguments.url)


def _doctor(arguments: argparse.Namespace) -> int:
    from nbkit.cli.health import print_checks

    return print_checks(is_json=arguments.is_json)


def _models_ls(_: argparse.Namespace) -> int:
    from nbkit.cli import weights

    return weights.print_list()


def _models_pull(arguments: argparse.Namespace) -> int:
    from nbkit.cli import weights

    print(weights.fetch(arguments.name))
    return 0


def _models_rm(arguments: argparse.Namespace) -> int:
    from nbkit.cli import weights

    return weights.remove(arguments.name)


def _models_path(arguments: argparse.Namespace) -> int:
    from nbkit.cli import weights

    return weights.print_path(arguments.name)


def _run(arguments: argparse.Namespace) -> int:
    from nbkit.cli.runs import run

    return run(
        arguments.notebook,
        out=arguments.out,
        parameters=dict(arguments.parameters),
        has_report=arguments.reports,
        has_vectors=arguments.vectors,
    )


def _eval(arguments: argparse.Namespace) -> int:
    if (arguments.path is None) == (arguments.beir is None):
        raise BadSetting(
            what="nbkit eval takes a notebook, a task file, or --beir",
            why="there is none" if arguments.path is None else "there are two",
            fix="nbkit eval TASK.toml",
        )
    if arguments.path is not None:
        from nbkit.cli.evaluating import evaluate_file

        return evaluate_file(
            arguments.path,
            baseline=arguments.baseline,
            fail_under=arguments.fail_under,
            tolerance=arguments.tolerance,
            json_out=arguments.json_out,
        )
    from nbkit.cli.judge import judge

    return judge(arguments.beir, modes=arguments.mode, run_out=arguments.run_out, json_out=arguments.json_out)


def _report(arguments: argparse.Namespace) -> int:
    from nbkit.report import report

    print(report(arguments.notebook, out=arguments.out, hide_code=arguments.hide_code))
    return 0
