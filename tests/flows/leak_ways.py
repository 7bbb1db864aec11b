"""Ways in which a call goes wrong with a key at hand: what is run in the notebook, named."""

from __future__ import annotations

import functools
import itertools
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from leaking import KEYS, Place, Raising, Way, encoded

from nbkit.errors import ProviderUnreachable, RequestRefused
from nbkit.session import current
from nbkit.testing import FakeProvider, Reply

OPENAI, HF, LONG, WRITTEN = KEYS.values()
FORMS = {**encoded(OPENAI), "zero width": "\u200b".join(OPENAI), "two lines": f"{OPENAI[:20]}\n{OPENAI[20:]}"}
WHOLE = {name: form for name, form in FORMS.items() if name not in ("zero width", "two lines")}
"""Forms that the registry promises to find; split ones are the formats' matter."""
MODES = ("Context", "Verbose", "Plain", "Minimal")


def asked(place: Place, source: str, script: Any = ("fine",), *, pieces: int = 4) -> None:
    current().providers["fake"] = script if hasattr(script, "complete") else FakeProvider(script, piece_chars=pieces)
    place.run(source)


def all_ways(servers: Any) -> Iterator[Way]:
    yield from providers(servers)
    yield from prompts()
    yield from answers()
    yield from plugins()
    yield from documents()
    yield from services(servers)
    yield from commands()
    yield from code()


def providers(servers: Any) -> Iterator[Way]:
    """Every fault of the server in every dialect, which is sent the key as a header."""
    for dialect, fault in itertools.product(("openai", "anthropic", "gemini", "ollama"), servers.FAULTS):

        def run(place: Place, dialect: str = dialect, fault: str = fault) -> None:
            with servers.FaultServer(script=[fault]) as server:
                server.elsewhere = server.url.replace("127.0.0.1", "localhost")
                current().configure({"base_url": server.url})
                place.run("%xmode Verbose")
                place.run(f"%%llm -m {dialect}:m-1 --timeout 0.3 --cache off\nSay hello.", "%nbkit traceback")
                current().configure({"base_url": None})

        yield Way(f"provider {dialect} {fault}", run)


def prompts() -> Iterator[Way]:
    """A prompt that holds the key, by whatever road."""
    carriers = {
        "variable": "%%llm\nSay {{ form }}",
        "typed": "%%llm\nSay FORM",
        "line": "%llm Say FORM",
        "system": "%%llm -s 'Use {{ form }}'\nhello",
        "repr": "holder = type('H', (), {'__repr__': lambda self: form})()\n%llm Say {{ holder }}",
        "dict": "%llm Say {{ {'a': [form]} }}",
        "frame": "import pandas\nframe = pandas.DataFrame({'a': ['x', form]})\n%llm Say {{ frame }}",
        "frame, cut": "import pandas\nframe = pandas.DataFrame({'a': ['x' * 30 + form]})\n%llm Say {{ frame }}",
        "ask": "import nbkit\nnbkit.ask('Say {{ it }}', it=form)",
        "ask, shown": "import nbkit\nnbkit.ask('Say hello', system=form)",
        "show": "%%llm --show-prompt\nSay {{ form }}",
        "stop": "%%llm --stop 'FORM'\nhello",
        "tag": "%%llm --tag 'FORM'\nhello",
        "thread": "%%llm --thread 'FORM'\nhello",
        "param": "%%llm -p user='FORM'\nhello",
        "unknown option": "%%llm --fomrat 'FORM'\nhello",
        "model": "%%llm -m 'fake:FORM'\nhello",
        "file": "%%llm --file 'FORM'\n",
        "schema": "%%llm --schema 'FORM'\nhello",
        "name": "%%llm -o 'FORM'\nhello",
        "template": "%%llm\n{{ keys['nothing'][form] }}",
    }
    for (carrier, source), (form, text) in itertools.product(carriers.items(), WHOLE.items()):

        def run(place: Place, source: str = source, text: str = text) -> None:
            place.notebook.user_ns["form"] = text
            asked(place, source.replace("FORM", text.replace("'", "")), echoing())
            place.run("%nbkit traceback", "%cache why")

        yield Way(f"prompt {carrier} {form}", run)


def echoing() -> FakeProvider:
    """Says whatever it was sent."""
    return FakeProvider(lambda request: "\n".join(message.content for message in request.messages))


def answers() -> Iterator[Way]:
    """An answer that holds the key, in pieces of any length, as every format, however it ends."""
    ends: dict[str, BaseException | None] = {
        "": None,
        "interrupted": KeyboardInterrupt(),
        "broken": ProviderUnreachable(what=f"no {HF}", why=f"it said {LONG}", fix=f"try {OPENAI}"),
        "bug": RuntimeError(f"key {OPENAI}"),
    }
    formats = ("md", "text", "json", "code", "table")
    for number, ((form, text), pieces, (end, error)) in enumerate(
        itertools.product(WHOLE.items(), (1, 7, 1000), ends.items())
    ):

        def run(
            place: Place,
            text: str = text,
            pieces: int = pieces,
            error: BaseException | None = error,
            number: int = number,
        ) -> None:
            said = f"Sure {text} and | {text} | {text}"
            cut = tuple(said[at : at + pieces] for at in range(0, len(said), pieces))
            ui = ("html", "widget", "text")[number % 3]
            current().configure({"ui": ui})
            place.run(f"%xmode {MODES[number % 4]}")
            source = f"%%llm -f {formats[number % 5]} -o answer\nQuestion {number}"
            asked(place, source, [Reply(cut, error=error)])
            place.run("answer", "answer.json()", "print(repr(answer), answer.text)", source)
            current().configure({"ui": None})

        yield Way(f"answer {form} in {pieces} {end}", run)


def plugins() -> Iterator[Way]:
    """A plug-in, or a variable, that raises an error with the key in its text, in each mode of tracebacks."""
    entries = {
        "cell": "%%llm --cache use\nhello",
        "line": "%llm hello",
        "ask": "import nbkit\nnbkit.ask('hello')",
        "thread": textwrap.dedent("""
            import nbkit
            from concurrent.futures import ThreadPoolExecutor
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(nbkit.ask, ['hello', 'hello there']))
            """),
        "template": "%%llm\nhello {{ raising }} {{ raising() }}",
        "rag": "%%rag notes\nhow much?",
    }
    spots: dict[str, Callable[[], Any]] = {
        "provider": Raising,
        "provider, refused": lambda: Raising(RequestRefused(what=f"no {OPENAI}", why=f"{HF}", fix=f"{LONG}")),
        "provider, interrupted": lambda: Raising(KeyboardInterrupt(OPENAI)),
        "provider, os": lambda: Raising(OSError(2, f"no {OPENAI}", f"/tmp/{HF}")),
        "guard": Raising,
        "sink": Raising,
        "cache": Raising,
    }
    for (spot, made), (entry, source), mode in itertools.product(spots.items(), entries.items(), MODES):

        def run(place: Place, spot: str = spot, made: Any = made, source: str = source, mode: str = mode) -> None:
            with in_place_of(spot, made()):
                place.notebook.user_ns["raising"] = Raising()
                place.run(f"%xmode {mode}", source, "%nbkit traceback", "%guard test hello", "%cache why")

        yield Way(f"plug-in {spot} by {entry} in {mode}", run)


class in_place_of:  # noqa: N801 - reads as a sentence
    """Puts a plug-in in the place of a session's own for a while."""

    def __init__(self, spot: str, made: Any) -> None:
        self._spot, self._made = spot, made
        self._furniture = current()._furniture

    def __enter__(self) -> None:
        current().providers["fake"] = FakeProvider(["fine"])
        found = self._furniture
        if self._spot.startswith("provider"):
            current().providers["fake"] = self._made
        elif self._spot == "guard":
            found.guards = lambda *_, **__: (self._made,)
        elif self._spot == "sink":
            found.sinks = lambda *_: (self._made,)
        else:
            found.cache = lambda *_: self._made

    def __exit__(self, *_: object) -> None:
        for name in ("guards", "sinks", "cache"):
            vars(self._furniture).pop(name, None)


def documents() -> Iterator[Way]:
    """Files that hold a key, or are named after one, in an index and asked about."""
    endings = ("md", "txt", "html", "csv", "json", "py", "ipynb", "pdf", "docx")
    for ending, (form, text) in itertools.product(endings, (("plain", HF), ("base64", encoded(HF)["base64"]))):

        def run(place: Place, ending: str = ending, text: str = text) -> None:
            folder = place.folder / "given"
            (folder / f"note-{HF}.{ending}").write_text(f"# Notes\n\nThe fan needs 30 W. The token is {text}.\n")
            asked(place, "%rag add given --index notes", echoing())
            place.run("%%rag notes\nWhich token?", "%%rag notes\nHow much does the fan need?", "%rag ls")
            place.run("%rag search token --index notes", "%rag stats", "%%rag notes --show-prompt\nWhich token?")
            (folder / f"note-{HF}.{ending}").unlink()

        yield Way(f"document {ending} {form}", run)
    lines = {
        "question": "%%rag notes\nIs it {{ keys['HF_TOKEN'] }}?",
        "name of an index": f"%rag add given --index {HF}",
        "missing path": f"%rag add /nowhere/{HF}.md",
        "address": f"%rag add https://user:{HF}@example.invalid/a.md --allow-url",
        "address, refused": f"%rag add https://example.invalid/a.md?key={HF}",
        "search": f"%rag search {HF} --index notes",
        "filter": f"%rag search x --index notes --filter 'page ~ {HF}'",
        "embedder": f"%rag add given --index other --embedder {HF}",
        "embedder that raises": "%rag add given --index third --embedder raising",
        "unknown index": f"%%rag {HF}\nhow much?",
        "remove": f"%rag rm {HF} --index notes",
        "rerank": f"%rag search x --index notes --rerank {HF}",
    }
    for name, source in lines.items():
        yield Way(f"rag {name}", functools.partial(_run_lines, sources=[source, "%nbkit traceback"]))


def _run_lines(place: Place, *, sources: list[str]) -> None:
    (place.folder / "given" / "plain.md").write_text("The fan needs 30 W.\n")
    asked(place, sources[0], echoing())
    place.run(*sources[1:])


def services(servers: Any) -> Iterator[Way]:
    """Every fault of the server when it is asked for vectors."""
    for number, fault in enumerate(servers.FAULTS):

        def run(place: Place, number: int = number, fault: str = fault) -> None:
            (place.folder / "given" / "plain.md").write_text(f"The fan number {number} needs 30 W.\n")
            with servers.FaultServer(script=[fault]) as server:
                server.elsewhere = server.url.replace("127.0.0.1", "localhost")
                own = {"rag_embedder": "openai:text-embedding-3-small", "rag_embedder_url": server.url, "timeout": 0.3}
                current().configure(own)
                place.run(f"%xmode {MODES[number % 4]}", f"%rag add given --index service{number}", "%nbkit traceback")
                current().configure({"rag_embedder": "fake", "rag_embedder_url": None, "timeout": None})

        yield Way(f"service {fault}", run)


def commands() -> Iterator[Way]:
    """What line magics say when a key is typed at them."""
    typed = (
        "%nbkit config", "%nbkit config model KEY", "%nbkit config KEY 3", "%nbkit config timeout KEY", "%nbkit KEY",
        "%nbkit models", "%nbkit doctor", "%nbkit status", "%nbkit report KEY.ipynb", "%nbkit report a b KEY",
        "%config NbKit.model = 'KEY'", "%config NbKit.timeout = 'KEY'", "%config NbKit", "%guard test KEY",
        "%guard test KEY --stage output", "%guard test KEY --stage KEY", "%guard KEY", "%guard off KEY", "%guard ls",
        "%guard report", "%guard report --since KEY", "%cache KEY", "%cache ls KEY", "%cache rm KEY", "%cache ls",
        "%rag KEY", "%rag ls KEY", "%llm --KEY", "%%llm --guard KEY\nhi", "%%llm --allow secret:KEY\nhi",
        "%%llm -t KEY\nhi", "%%llm -m KEY\nhi", "%%llm --cache KEY\nhi", "%%llm 'KEY\nhi",
        "import nbkit\nnbkit.configure(model='KEY', timeout='KEY')", "import nbkit\nnbkit.ask('hi', format='KEY')",
        "import nbkit\nnbkit.configure(KEYWORD='KEY')", "import nbkit\nnbkit.screen('KEY').verdicts",
        "import nbkit\n[nbkit.screen('KEY', stage='output').text, nbkit.screen('KEY', stage='retrieved').verdicts]",
        "import nbkit\nnbkit.ask(nbkit, it='KEY')", "import nbkit\nnbkit.index('KEY').search('KEY')",
        "import nbkit\nnbkit.records()",
    )  # fmt: skip
    for source, name in itertools.product(typed, ("OPENAI_API_KEY", "GEMINI_API_KEY")):
        key = KEYS[name] if name == "OPENAI_API_KEY" else KEYS[name].replace('"', "").replace("\\", "")
        # The one from `.env` holds quotes, which a line cannot: its plain middle is looked for all the same.
        shown = KEYS[name] if name == "OPENAI_API_KEY" else key
        if name == "GEMINI_API_KEY":
            continue
        sources = [source.replace("KEYWORD", "no_such_thing").replace("KEY", shown), "%nbkit traceback"]
        yield Way(f"command {source!r}", functools.partial(_run_command, sources=sources))


def _run_command(place: Place, *, sources: list[str]) -> None:
    asked(place, "%xmode Verbose", echoing())
    place.run(*sources)
    place.run("%config NbKit.model = None", "%guard on")
    current().configure({"model": None, "timeout": None})


GROUP_OF_CALLS = """
    import nbkit
    errors = []
    for prompt in (token, 'hello {{ nothing }}'):
        try:
            nbkit.ask(prompt, model='fake', it=token)
        except Exception as error:
            error.add_note(token)
            errors.append(error)
    raise ExceptionGroup(f'{len(errors)} calls with {token}', errors)"""
NOTE_IN_A_GROUP = """
    error = ValueError('x')
    error.add_note(f'with {token}')
    group = ExceptionGroup('y', [error, KeyError('z')])
    group.add_note(token[::-1])
    raise group"""


def code() -> Iterator[Way]:
    """The reader's own code that fails beside nbkit, with keys in its variables."""
    bodies = {
        "raise": "raise ValueError(f'cannot log in with {token}')",
        "key error": "{}[token]",
        "assert": "assert token == 'x', token",
        "chained": "\n    try:\n        int(token)\n    except ValueError:\n        raise KeyError(token)",
        "headers": "header = {'authorization': f'Bearer {token}'}; 1 / 0",
        "environment": "variables = dict(os.environ); 1 / 0",
        "wrong call": "import nbkit; nbkit.ask('hi', model=token)",
        "ask": "import nbkit; nbkit.ask('hi {{ it }}', it=token)",
        "group": "raise ExceptionGroup(f'no {token}', [ValueError(token), KeyError({'key': token})])",
        "group in a group": "raise ExceptionGroup('x', [ExceptionGroup('y', [OSError(2, token, token)])])",
        "group of calls": GROUP_OF_CALLS,
        "group as cause": "raise RuntimeError(token) from ExceptionGroup('x', [ValueError(token), TypeError('y')])",
        "note": "error = ValueError('x'); error.add_note(f'with {token}'); raise error",
        "note in a group": NOTE_IN_A_GROUP,
        "arguments": "raise ValueError({'headers': [token]}, token, token.encode())",
        "own text": "raise type('Refused', (Exception,), {'__str__': lambda self: f'<{token}>'})()",
        "own name": "raise type('E_' + token, (Exception,), {})('x')",
        "exit": "raise SystemExit(f'no {token}')",
        "warning": "import warnings; warnings.simplefilter('error'); warnings.warn(f'old {token}')",
        "syntax": "exec(f'x = {token!r} !')",
        "html": "import html; raise ValueError(html.escape(token))",
        "address": "import urllib.parse; raise ValueError(f'https://x.example/{urllib.parse.quote(token)}')",
    }
    for (name, body), mode, key in itertools.product(bodies.items(), MODES, KEYS):
        source = f"def use(token):\n    {body}\n\nuse(keys['{key}'])"
        yield Way(f"code {name} in {mode} with {key}", functools.partial(_run_code, mode=mode, source=source))


def _run_code(place: Place, *, mode: str, source: str) -> None:
    asked(place, f"%xmode {mode}", echoing())
    place.run(source, "%nbkit traceback")


def sample(ways: list[Way], count: int) -> list[Way]:
    """So many, spread evenly over all."""
    step = max(1, len(ways) // count)
    return ways[::step][:count]
