"""Guards as a package of somebody else's may have them: one that replaces addresses, and some that fail on a word."""

from __future__ import annotations

import re

from nbkit.pseudonyms import Numbering
from nbkit.types import Screened, Span, Verdict

ADDRESS = re.compile(r"[\w.+]+@[\w.]+\w")
WORD = "touchy"


class MailGuard:
    """Replaces e-mail addresses of a prompt by stand-ins, numbered over the whole request."""

    name = "mail"
    stages = ("input",)
    standard = {"input": "redact"}  # noqa: RUF012 - a table that nothing writes to
    strict = {"input": "block"}  # noqa: RUF012 - as above

    def __init__(self, options):
        self.action = options.actions.get("input", "redact")
        self.allowed = options.allowed_kinds

    def screen(self, text, *, stage, request):
        spans = tuple(Span(one.start(), one.end(), "EMAIL") for one in ADDRESS.finditer(text))
        action = self.action if spans and "EMAIL" not in self.allowed else "allow"
        if action != "redact":
            return Screened(text, Verdict(self.name, stage, action, "an address" if spans else "", spans))
        numbering = self.numbered(request)
        shown = ADDRESS.sub(lambda one: numbering.stand_in_for("EMAIL", one.group()), text)
        return Screened(shown, Verdict(self.name, stage, "redact", f"{len(spans)} replaced", spans))

    def pseudonyms(self, request):
        return self.numbered(request).pseudonyms()

    def numbered(self, request):
        numbering = Numbering()
        if self.action == "redact" and "EMAIL" not in self.allowed:
            for message in request.messages:
                numbering.reserve(message.content)
            for message in request.messages:
                for one in ADDRESS.findall(message.content):
                    numbering.stand_in_for("EMAIL", one)
        return numbering


class Touchy:
    """Raises on a word, at its one stage."""

    def __init__(self, options):
        pass

    def screen(self, text, *, stage, request):
        if WORD in text:
            raise RuntimeError(text)
        return Screened(text, Verdict(self.name, stage, "allow"))


class TouchyInput(Touchy):
    name = "touchyinput"
    stages = ("input",)


class TouchyPassages(Touchy):
    name = "touchypassages"
    stages = ("retrieved",)


class TouchyAnswer(Touchy):
    """Sees an answer when it is whole."""

    name = "touchyanswer"
    stages = ("output",)


class TouchyStream(Touchy):
    """Sees an answer while it arrives, and holds some of it back."""

    name = "touchystream"
    stages = ("output",)

    def open(self, request):
        return _Stream(self)


class _Stream:
    def __init__(self, guard):
        self.guard, self.whole, self.given = guard, "", 0

    def feed(self, text):
        self.whole += text
        self.guard.screen(self.whole, stage="output", request=None)
        out, self.given = self.whole[self.given : -8], max(self.given, len(self.whole) - 8)
        return out

    def finish(self):
        screened = self.guard.screen(self.whole, stage="output", request=None)
        return Screened(self.whole[self.given :], screened.verdict)


class RudeGuard:
    """Finds fault with a word of an answer; what it does about it is a matter of policy."""

    name = "rude"
    stages = ("input", "output")
    standard = {"input": "warn", "output": "warn"}  # noqa: RUF012 - a table that nothing writes to

    def __init__(self, options):
        self.actions = {**self.standard, **options.actions}

    def screen(self, text, *, stage, request):
        at = text.find("damn")
        if at < 0:
            return Screened(text, Verdict(self.name, stage, "allow"))
        return Screened(text, Verdict(self.name, stage, self.actions[stage], "it is rude", (Span(at, at + 4, "word"),)))
