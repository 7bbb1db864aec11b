"""How attackers take over: phrases that drop the rules, ask for the prompt, or give the model another role.

A pattern is how a phrase begins, and what must follow it nearby, over text in lower case. Both are bounded, and what
follows is looked for once in each place, so that no text takes more than linear time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_DROP: Final = (
    r"(?:ignor(?:e|ing)|disregard(?:ing)?|forget|override|overrule|discard|neglect|bypass|abandon|erase|nullify|"
    r"pay no attention to|stop following|(?:don'?t|do not) (?:follow|listen to|obey)|set aside|throw away)\b"
)
_BEFORE: Final = (
    r"(?:previous(?:ly)?|prior|above|earlier|preceding|foregoing|initial|original|existing|system|past|former|"
    r"current|developer'?s?|safety|openai'?s?)"
)
_ORDERS: Final = (
    r"(?:instructions?|directions|directives?|rules|prompts?|orders|commands?|guidelines|guidance|tasks?|"
    r"assignments?|"
    r"programming|training|policies|constraints|messages?|context|restrictions|content policy|statements|ethics)"
)
_TELL: Final = (
    r"(?:reveal|show|print|output|repeat|display|tell me|give me|write out|write down|leak|disclose|share|expose|"
    r"return|echo|recite|dump|list|copy|send me|spell out|provide|summari[sz]e|translate|paraphrase|"
    r"what(?:'s| is| are| was| were)(?! an? ))\b"
)
_OWN: Final = (
    r"\b(?:system ?prompt|system message|pre-?prompt|initial (?:prompt|instructions|message)|"
    r"original (?:prompt|instructions)|hidden (?:prompt|instructions|rules)|secret instructions|"
    r"(?:text|words|instructions|message|prompt) above|previous instructions(?! (?:in|of|on|for|were|are) )|"
    r"developer message|"
    r"your (?:\w{1,12} ){0,2}(?:prompt|instructions|rules|guidelines))"
)
_FREE: Final = (
    r"\b(?:no (?:\w{1,12} )?(?:rules|restrictions|limits|limitations|filters?|ethics|morals?|guidelines|boundaries)|"
    r"unrestricted|unfiltered|uncensored|amoral|do anything now|not bound by|free (?:of|from) (?:all|any|the)|"
    r"without (?:any )?(?:rules|restrictions|limits|filters?|limitations|censorship)|never (?:refuse|reject|say no)|"
    r"jailbroken|ohne (?:regeln|einschr\u00e4nkungen|filter)|sin (?:reglas|restricciones|l\u00edmites)|"
    r"sans (?:r\u00e8gles|restrictions|limites))"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way of writing what a rule is about."""

    kind: str
    signs: str
    """The text has one of these, parted by `~`, or there is no match."""
    begins: str
    then: str = ""
    """What must follow within `reach` characters of the same line; nothing when empty."""
    reach: int = 0
    prompt: float = 0.0
    """How sure a match is that a prompt is an attack, 0 to 1."""
    passage: float = 0.0
    """How sure a match is that a document gives instructions."""
    crosses_lines: bool = False
    keeps_case: bool = False


TAKING_OVER: Final = (
    Pattern(
        "ignore-instructions",
        "ignor~disregard~forget~overr~discard~neglect~bypass~abandon~erase~nullify~pay no~stop foll~"
        "not follow~n't follow~listen to~obey~set aside~throw away",
        rf"{_DROP}",
        rf"\b{_BEFORE}(?:[^\w\n]{{1,4}}\w{{1,16}}){{0,2}}?[^\w\n]{{1,4}}{_ORDERS}\b",
        70,
        prompt=0.9,
        passage=0.85,
    ),
    Pattern(
        "ignore-instructions",
        "ignor~disregard~forget~overr~bypass",
        r"(?:ignore|disregard|forget|override|bypass) (?:about )?(?:everything|all|anything|what)\b",
        r"\b(?:above|before(?! the)|previously|so far|(?:was|were|been|i|they|we)(?:'ve| have)? (?:said|told|"
        r"taught|written?|given)|rules|orders|prompts)\b",
        40,
        prompt=0.8,
        passage=0.75,
    ),
    Pattern(
        "ignore-instructions",
        "ignor~disregard~forget~overr~discard~bypass~abandon~stop foll~not follow~n't follow~obey",
        rf"{_DROP}(?: all(?: of)?| any(?: of)?| every)?(?: (?:your|the|these|those|its)(?: \w{{1,12}}){{0,2}}?|"
        rf"(?<=all)|(?<=any)) "
        r"(?:instructions|directives|programming|guidelines|orders|training|restrictions|commands|"
        r"content policy|rules|ethic\w{0,8})\b",
        prompt=0.55,
        passage=0.5,
    ),
    Pattern(
        "ignore-instructions",
        "vergiss~vergesse~ignorier~missacht~ignora~olvid~oubli~dimentic~esqueça~desconsider~negeer~"
        "vergeet~zignoruj~zapomnij~descarta~omite~pas compte~ignore",
        r"(?:vergiss|vergessen?\b|ignorier\w{0,3}|missachte\w{0,2}|ignor[ae]\w{0,3}|olvid\w{1,3}|descarta|omite|"
        r"oubli\w{1,3}|"
        r"(?:tiens|tenez) pas compte|dimentica\w{0,2}|esque\u00e7a|desconsidere|negeer|vergeet|zignoruj|zapomnij)\b",
        r"\b(?:anweisung\w{0,2}|instruktion\w{0,2}|befehle|regeln|aufgaben?|vorgaben|instrucciones|reglas|"
        r"\u00f3rdenes|instructions pr\u00e9c|"
        r"instructions ci|consignes|directives|istruzioni|regole|instru\u00e7\u00f5es|regras|instructies|regels|"
        r"instrukcje|polecenia|davor|bisherige\w?)\b",
        70,
        prompt=0.85,
        passage=0.8,
    ),
    Pattern(
        "ignore-instructions",
        "инструкц~指令~指示~说明~지시~命令~التعليمات~talimat",
        "(?:\u0438\u0433\u043d\u043e\u0440\u0438\u0440\u0443\u0439|"
        "\u0437\u0430\u0431\u0443\u0434\u044c)\\w{0,3}[^\\n]{0,30}\u0438\u043d\u0441\u0442\u0440\u0443\u043a\u0446"
        "|(?:\u5ffd\u7565|\u65e0\u89c6|\u5fd8\u8bb0)[^\\n]{0,12}(?:\u6307\u4ee4|\u6307\u793a|\u8bf4\u660e|"
        "\u89c4\u5219)"
        "|(?:\u6307\u793a|\u547d\u4ee4|\u30eb\u30fc\u30eb)[^\\n]{0,8}(?:\u7121\u8996|\u5fd8\u308c)|"
        "\uc9c0\uc2dc[^\\n]{0,8}(?:\ubb34\uc2dc|\uc78a)"
        "|(?:\u062a\u062c\u0627\u0647\u0644|"
        "\u0627\u0646\u0633)[^\\n]{0,20}\u0627\u0644\u062a\u0639\u0644\u064a\u0645\u0627\u062a"
        "|talimatlar\u0131[^\\n]{0,12}(?:unut|yok say|g\u00f6rmezden)",
        prompt=0.85,
        passage=0.8,
    ),
    Pattern(
        "reveal-system-prompt",
        "prompt~instructions~ above~system message~developer message~your ",
        _TELL,
        _OWN,
        60,
        prompt=0.7,
        passage=0.6,
    ),
    Pattern(
        "reveal-system-prompt",
        "systemprompt~system-prompt~del sistema~système~anweisungen~vorgaben~instrucciones~consignes~istruzioni",
        r"(?:zeige?|nenne?|wiederhole?|verrate?|drucke?|gib|lautet|muestra|revela|repite|dime|montre|"
        r"r\u00e9p\u00e8te|r\u00e9v\u00e8le|mostra|rivela)\b",
        r"\b(?:system-?prompts?|prompt del sistema|prompt syst\u00e8me|anweisungen|vorgaben|instrucciones|"
        r"consignes|istruzioni)\b",
        60,
        prompt=0.7,
        passage=0.6,
    ),
    Pattern(
        "role-override",
        "you are~you're~you will~act ~acting ~pretend~behave~become~role~du bist~respond as~"
        "answer as~ahora eres~tu es~named~called~persona",
        r"(?:you(?:'re| are| will be| shall be)|act(?:ing)? (?:as|like)|pretend(?:ing)?|behave (?:as|like)|"
        r"become|roleplay(?:ing)? as|"
        r"role of|(?:respond|answer) as|named|called|persona|du bist|ahora eres|tu es)\b",
        _FREE,
        300,
        prompt=0.75,
        passage=0.7,
    ),
    Pattern(
        "role-override",
        "from now on~no longer~ab sofort~henceforth",
        r"(?:from now on|henceforth|ab sofort|you are no longer)\b[^\n]{0,30}?\b(?:you|du|your name|chatgpt|"
        r"an? ai)\b[^\n]{0,30}?"
        r"\b(?:are|will|act|respond|answer|must|ignore|bist|going to|called)\b",
        prompt=0.4,
        passage=0.5,
    ),
    Pattern(
        "dan-persona",
        "anything now~jailb~developer mode~god mode~dev mode~opposite mode~evil mode~unrestricted mode~dan mode",
        r"do anything now\b|(?:developer|dev|god|jailbreak|dan|unrestricted|opposite|evil) mode\b(?! (?:in|of|"
        r"on) (?:android|my|the|your|a))|jailbroken\b",
        prompt=0.6,
        passage=0.6,
    ),
    Pattern("dan-persona", "DAN", r"\bDAN\b(?! Brown)", prompt=0.6, passage=0.6, keeps_case=True),
    Pattern(
        "no-refusal",
        "refus~character~n ai~language model~apologi~moral~ethic~disclaimer~warning~illegal",
        r"\b(?:never|not|don't|without|no) (?:\w{1,12} ){0,3}?(?:refus\w{0,3}|apologi[sz]e|disclaimers?|"
        r"break(?:ing)? character|moral\w{0,6}|ethic\w{0,6}|warnings?)\b"
        r"|\bstay in character\b|\b(?:never|not|don't) (?:mention|say|state|remind)[^\n]{0,30}?\b(?:an? ai\b|"
        r"language model)"
        r"|\b(?:illegal|unethical|immoral|harmful)(?:,| and| or)[^\n]{0,40}?\b(?:illegal|unethical|immoral|"
        r"harmful|offensive)\b",
        prompt=0.4,
        passage=0.4,
    ),
)
