"""Labels answers that are none: a refusal, or nothing at all."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from nbkit.protocols import GuardOptions
from nbkit.types import Action, Request, Screened, Span, Stage, Verdict

_MOST_CHARS: Final = 1200
"""What says more than this has answered, too."""
_OPENING_CHARS: Final = 320
_REASONS: Final = MappingProxyType({"refusal": "the model refused to answer", "empty": "the answer is empty"})


def is_refusal(text: str) -> bool:
    r"""Whether an answer declines to do what was asked; one that quotes a refusal, or has no sources for one, does not.

    Known in English, and the common forms in German, French, Spanish, Italian, Portuguese, Dutch, Russian, Chinese,
    Japanese and Korean.

    >>> is_refusal("I'm sorry, but I can't help with that."), is_refusal("Bots say: I can't help with that.")
    (True, False)

    (True, False)
    """
    opening = text[:_MOST_CHARS].lstrip(" \t\r\n*_#>")[:_OPENING_CHARS]
    if not opening or len(text) > _MOST_CHARS:
        return False
    opening = opening.replace("\u2019", "'").casefold()
    return any(pattern.match(opening) for pattern in _patterns())


class LabelsGuard:
    """Warns of a refusal and of an empty answer; the text stays as it is.

    >>> from nbkit.secrets import SecretRegistry
    >>> guard = LabelsGuard(GuardOptions(SecretRegistry()))
    >>> guard.screen("I can't assist with that.", stage="output", request=Request("echo", "echo", ())).verdict.reason
    'the model refused to answer'
    """

    name: ClassVar[str] = "labels"
    stages: ClassVar[tuple[Stage, ...]] = ("output",)
    standard: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"output": "warn"})
    strict: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"output": "warn"})

    def __init__(self, options: GuardOptions) -> None:
        self._action: Action = options.actions.get("output", self.standard["output"])
        self._allowed = options.allowed_kinds

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text as it is, and its label."""
        del request
        kind = "empty" if not text.strip() else "refusal" if is_refusal(text) else None
        if kind is None:
            return Screened(text, Verdict(self.name, stage, "allow"))
        # There is nothing to redact: what is labelled is the whole text.
        done: Action = "warn" if self._action == "redact" else self._action
        spans = (Span(0, len(text), kind),)
        action = "allow" if kind in self._allowed else done
        return Screened(text, Verdict(self.name, stage, action, _REASONS[kind], spans))

    def open(self, request: Request) -> LabelsStream:
        """A new stream; an answer that may be blocked is held back until it is too long to be a refusal."""
        return LabelsStream(self, request, is_holding=self._action in ("block", "reask"))


class LabelsStream:
    """One answer in pieces."""

    def __init__(self, guard: LabelsGuard, request: Request, *, is_holding: bool) -> None:
        self._guard = guard
        self._request = request
        self._is_holding = is_holding
        self._pieces: list[str] = []
        self._shown = 0
        self._chars = 0
        self._has_text = False

    def feed(self, text: str) -> str:
        """The piece, or all that was held back."""
        self._pieces.append(text)
        self._chars += len(text)
        self._has_text = self._has_text or bool(text.strip())
        if self._is_holding and not (self._chars > _MOST_CHARS and self._has_text):
            return ""
        rest, self._shown = "".join(self._pieces[self._shown :]), len(self._pieces)
        return rest

    def finish(self) -> Screened:
        """What was held back, and the verdict."""
        screened = self._guard.screen("".join(self._pieces), stage="output", request=self._request)
        return Screened("".join(self._pieces[self._shown :]), screened.verdict)


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Of openings of refusals, in lower case; each begins at the answer's first character."""
    sorry = (
        r"(?:(?:i(?:'m| am)(?: (?:very|really|so|truly))? )?sorry|(?:my )?apologies|i apologi[sz]e|unfortunately"
        r"|i(?:'m| am) afraid|i appreciate [^.!?\n]{0,80}|i understand [^.!?\n]{0,80}|thank(?:s| you) [^.!?\n]{0,60})"
    )
    model = r"as an? (?:ai|artificial intelligence|(?:large )?language model|assistant)\b[^.!?\n]{0,60}?"
    helping = (
        r"(?:help|assist|comply|fulfil|provide|do (?:that|this|so)|answer|create|generate|writ|produc|discuss|support"
        r"|engag|continu|shar|giv|offer|participat|complet|satisfy|accommodate|proceed|respond|advis|recommend|facilitat"
        r"|encourag|promot|tell you)"
    )
    unable = (
        r"(?:i ?)?(?:really |simply |just )?(?:can(?:'t|not| not)|could(?:n't| not)|won't|will not|am unable to"
        r"|am not able to|'m unable to|'m not able to|'m not (?:allowed|permitted|going) to"
        r"|am not (?:allowed|permitted) to)"
    )
    # Not knowing is no refusal: sources that do not say are the answer.
    elsewhere = (
        r"(?![^.!?\n]{0,120}\b"
        r"(?:sources?|passages?|context|documents?|excerpts?|(?:given|provided) (?:text|information))\b)"
    )
    unwilling = (
        r"i (?:must|have to|need to|will have to|respectfully) (?:respectfully )?(?:decline|refuse)"
        r"|i'(?:ll|d) have to (?:decline|refuse)"
        r"|i(?:'m| am) not comfortable|i (?:decline|refuse) to"
    )
    end = r"(?=[.!\n]|$)"
    lead = rf"(?:{sorry}[\s,.:;\u2013\u2014-]{{0,3}}(?:but |however,? )?(?:that )?)?(?:{model}[\s,]{{0,2}})?"
    english = rf"{lead}(?:{elsewhere}{unable} (?:\w+ ){{0,3}}?{helping}|(?:{unwilling})\b)"
    short = (
        rf"{sorry}[\s,.:;\u2013\u2014-]{{1,3}}(?:but )?(?:{model}[\s,]{{0,2}})?{unable}(?: do (?:that|this|it))?{end}"
    )
    return tuple(re.compile(pattern) for pattern in (english, short, *_OTHER_LANGUAGES))


_WITHIN: Final = r"[^.!?\n\u3002]{0,90}?"
_OTHER_LANGUAGES: Final = (
    (
        rf"(?:(?:es )?tut mir (?:sehr )?leid|leider|entschuldig\w*){_WITHIN}\b(?:kann|darf|werde) ich\b"
        rf"{_WITHIN}\b(?:nicht|keine?n?)\b{_WITHIN}\b(?:(?:weiter)?helfen|unterst\w+|beantworten|erstellen|geben|schreiben)\b"
    ),
    (
        rf"(?:(?:es )?tut mir (?:sehr )?leid[, ]{{1,2}}(?:aber )?)?ich (?:kann|darf|werde)\b{_WITHIN}"
        rf"\b(?:nicht|keine?n?)\b{_WITHIN}\b(?:(?:weiter)?helfen|unterst\w+|nachkommen)\b"
    ),
    rf"(?:je suis )?(?:vraiment )?d[ée]sol[ée]e?{_WITHIN}\bje ne (?:peux|puis|suis)\b{_WITHIN}\bpas\b",
    r"je ne (?:peux|puis) (?:malheureusement )?pas (?:vous |t'|te )?(?:aider|r[ée]pondre|fournir|cr[ée]er|[ée]crire)",
    rf"(?:lo siento|lo lamento|disculp\w+|perd[oó]n\w*){_WITHIN}\bno puedo\b",
    r"no puedo (?:ayudar|asistir|proporcionar|cumplir|responder a (?:esa|eso|esta))",
    rf"(?:mi dispiace|mi spiace|spiacente){_WITHIN}\bnon (?:posso|sono in grado)\b",
    (
        rf"(?:sinto muito|desculp\w+|lamento|infelizmente){_WITHIN}\bn[ãa]o (?:posso|consigo)\b{_WITHIN}"
        rf"\b(?:ajud|fornec|cri|respond|escrev|auxili|atend)\w*"
    ),
    rf"(?:het spijt (?:me|mij)|sorry|helaas){_WITHIN}\bik (?:kan|mag)\b{_WITHIN}\b(?:niet|geen)\b",
    rf"(?:извините|простите|к сожалению|мне жаль){_WITHIN}\bне (?:могу|в состоянии)\b",  # noqa: RUF001 - Russian
    r"(?:(?:我)?(?:很|非常|十分)?(?:抱歉|遗憾|遺憾)|对不起|對不起)[^\u3002\n]{0,40}(?:不能|无法|無法|不可以)",
    r"(?:大変)?(?:申し訳|すみません|ごめんなさい|恐れ入りますが)[^\n]{0,80}(?:できません|できかね|いたしかね|お断り)",
    r"(?:죄송(?:합니다|하지만)|미안(?:합니다|하지만))[^\n]{0,80}(?:수 없|어렵|드릴 수)",
)
