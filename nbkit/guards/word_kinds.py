"""What words do in an instruction: drop, tell, send, name the answer or the model; so unseen wordings look alike."""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import Final

_KINDS: Final = """
ignore ignores ignoring disregard disregarding forget override overrule discard neglect bypass abandon erase
nullify cancel overlook void skip circumvent reset unlearn vergiss ignoriere olvida ignora oublie oubliez
ignorez /
previous previously prior above earlier preceding foregoing initial initially original existing past former
vorherigen bisherigen anteriores précédentes /
instruction instructions directive directives rule rules prompt prompts command commands order orders guideline
guidelines guidance policy policies constraint constraints programming directions anweisungen regeln
instrucciones reglas consignes /
reveal show print output repeat display tell say return echo recite dump disclose share expose leak speak state
type spell divulge confess /
write compose draft create generate produce craft prepare develop make design invent build /
add include insert append mention embed incorporate integrate weave attach introduce inject slip sprinkle
intersperse squeeze work place put adding including inserting mentioning /
replace reverse encode encrypt scramble translate convert substitute swap shuffle transform rewrite capitalize
misspell obfuscate invert rearrange jumble format render express rephrase flip /
answer answers reply replies response responses respond responding answering replying summary outputs completion
explanation generated /
ai assistant assistants llm llms chatbot chatbots chatgpt gpt bot agent copilot claude gemini bard llama openai
summarizer language model models /
you your yours yourself u ya /
i me my we us our mine myself /
user users human humans reader readers recipient recipients customer customers visitor person people everyone
audience /
password passwords secret secrets passphrase key keys token tokens credential credentials pin confidential
private code codes flag /
send forward transmit upload post submit email exfiltrate mail text deliver report copy relay /
http https www url link links website site webpage page address inbox /
now instead henceforth anymore longer afterwards afterward onwards onward forth immediately /
must should shall need required have always only will mandatory ought supposed /
not don never no without cannot can t dont neither nor nothing /
act pretend roleplay role persona character behave simulate imagine play become impersonate portray embody
acting pretending hypothetical fictional /
unrestricted unfiltered uncensored limits limitations restrictions restriction ethics ethical moral morals
filter filters censorship boundaries jailbroken unlimited freely unbiased amoral boundless /
illegal unethical immoral harmful offensive dangerous violent explicit nsfw sexual racist hateful controversial
inappropriate criminal taboo profanity vulgar swear /
refuse refuses reject decline apologize comply complies obey follow follows following adhere deny warn warning
disclaimer disclaimers sorry /
mode dan developer sudo admin administrator root debug maintenance jailbreak unlocked enabled activated /
snippet script function lines block program excerpt method module class variable /
buy visit click subscribe sign download promote recommend advertise brand product discount win prize offer
advertisement endorse praise purchase invest donate promotion /
what who whom whose when where why how which /
french german spanish italian english japanese chinese korean russian portuguese latin arabic hindi dutch
swahili /
base morse cipher caesar emoji emojis binary hex hexadecimal backwards leetspeak ascii atbash vowels vowel
letters letter alphabet uppercase lowercase homophones anagram anagrams acrostic rhyme spaces rot /
poem story essay joke haiku recipe speech slogan song limerick tweet article paragraph outline blog lyrics
dialogue headline resume plan /
explain describe summarize define discuss compare list name suggest analyze identify classify calculate
determine evaluate provide give /
please kindly thanks thank regards dear hello hi sincerely cheers best welcome /
attack attacks attacker attackers injection injections adversarial jailbreaks malicious detect detector
detection dataset datasets evaluation benchmark label labels score scores guardrail guardrails guard toxic
toxicity classifier /
subsequent below next given provided /
before after whenever while until once if unless /
everything anything all any every each entire whole /
told said received taught instructed trained programmed asked written designed /
task tasks request requests question questions job assignment objective goal mission purpose /
system conversation context message messages history chat session document documents content /
new updated real actual actually different another additional true /
call run execute invoke use open delete remove fetch load browse read transfer pay grant install tool tools
functions api database file files shell sql /
do does did could would may might is are was were /
invoice payment account subscription shipment delivery meeting attached schedule team office appointment booking
ticket refund policyholder quarter /
error errors exception traceback python java javascript pandas numpy html css array string dict loop import
compile
"""
"""Kinds of words, parted by `/`."""
_SPREAD: Final = 2_654_435_761
_ROOM: Final = 64


@functools.cache
def _kinds() -> dict[str, int]:
    """The number of the kind of each word."""
    found: dict[str, int] = {}
    for number, group in enumerate(_KINDS.split("/"), 1):
        for word in group.split():
            found.setdefault(word, number)
    return found


def kind_marks(found: list[str], mask: int) -> set[int]:
    """Features of the kinds of the words: each, pairs and threes of what follows each other, and the first word's.

    >>> kind_marks(["ignore", "prior", "rules"], 1023) == kind_marks(["disregard", "above", "orders"], 1023)
    True
    >>> kind_marks(["bread"], 1023)
    set()
    """
    row = [kind for kind in map(_kinds().get, found) if kind]
    if not row:
        return set()
    keys = {*row}
    # What comes again and again is looked at once.
    threes = set(zip(row, row[1:], row[2:], strict=False))
    keys.update([a * _ROOM + b for a, b in set(pairwise(row))])
    keys.update([(a * _ROOM + b) * _ROOM + c for a, b, c in threes])
    keys.update([-(a * _ROOM + c) for a, _, c in threes])
    return {(key * _SPREAD >> 9) & mask for key in keys}
