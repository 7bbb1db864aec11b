"""All patterns of the injection rules: those that take over, and how instructions are smuggled in and data out."""

from __future__ import annotations

from typing import Final

from nbkit.guards.injection_phrases import TAKING_OVER, Pattern

_AI: Final = (
    r"(?:ai|a\.i\.|assistant|language model|llm|chatbot|chatgpt|gpt(?:-?\d)?|copilot|ai agent|ai model|"
    r"ai assistant)s?"
)
_STOLEN: Final = (
    r"\b(?:conversation|chat history|passwords?|api[ _-]?keys?|secrets?|credentials|personal data|private data|"
    r"credit card|tokens?|environment variables|user'?s? (?:data|question|messages?)|contents? of|summary|emails?)\b"
)
_URL: Final = r"(?:https?|hxxps?|ftp)://"
_DANGEROUS: Final = (
    r"os\.remove\(|shutil\.rmtree|exec\(|os\.system\(|subprocess\.|urlretrieve\(|\.post\(|sendall\(|sendto\(|"
    r"sendmail\(|storbinary\(|os\.kill|terminate\(|\.publish\(|cookiejar|while true:|keylog|pynput|clipboard"
)

PATTERNS: Final = (
    *TAKING_OVER,
    Pattern(
        "fake-turn",
        "<|~[inst]~[/inst]~sys>>~[system]~## ~##system~system>~system:",
        r"<\|(?:im_start|system|end|im_end|endoftext|user|assistant)\|>|\[/?inst\]|<</?sys>>|\[system\]\s?\(#|"
        r"</?system>"
        r"|(?:^|\n)#{2,4} ?(?:system|new instructions?)\b|(?:^|\n)system: ?(?:you|ignore|override|new)",
        prompt=0.35,
        passage=0.6,
    ),
    Pattern(
        "new-instructions",
        "instruction~task~prompt~rules~orders",
        r"(?:new|updated|real|actual|additional|secret) (?:\w{1,12} )?(?:instructions?|task|rules|orders|"
        r"system prompt)(?: (?:is|are)\b(?! \w{1,12}ed)|:)"
        r"|(?:instructions|rules|guidelines) (?:above )?(?:have (?:changed|been (?:updated|replaced|removed))|"
        r"no longer apply|are (?:no longer valid|void|cancel\w{1,4}))",
        prompt=0.4,
        passage=0.5,
    ),
    Pattern(
        "say-exactly",
        "hack~pwn~grant~owned~hate~kill~lol~haha",
        r"(?:say|print|respond with|reply with|output|write|answer with|answer)\b",
        r"[\"'\u201c\u2018][^\"\n]{0,20}(?:hacked|pwn|granted|owned|i hate|kill all|lol\b|haha)|"
        r"\b(?:have been )?pwned\b",
        40,
        prompt=0.6,
        passage=0.7,
    ),
    Pattern(
        "extract-secret",
        "password~secret~passphrase~access code~code word~passwort~geheimwort~contraseña~mot de passe",
        # `what is a` asks what such a thing is.
        r"(?:what(?:'s| is| was)(?! an? )|tell me|give me|reveal|show me|print|say|spell|verrate|nenne|sag\w? mir|dime|"
        r"dis-moi|donne-moi)\b",
        r"\b(?:secret (?:key|word|code|phrase|password)|secret|passphrase|password|access code|code word|"
        r"passwort|geheimwort|contrase\u00f1a|mot de passe)\b"
        r"(?! (?:manager|polic|hash|strength|reset|in (?:python|java|linux|sql)))",
        30,
        prompt=0.4,
        passage=0.3,
    ),
    Pattern(
        "authority-claim",
        "i am~i'm~mode~override~access",
        r"\bi(?:'m| am) (?:your|the|an?) (?:system |openai |lead )?(?:developer|admin\w{0,10}|creator|"
        r"owner of this|programmer|engineer at)\b"
        r"|\b(?:admin|root|sudo|debug|maintenance) (?:mode|override|access)\b[^\n]{0,30}?\b(?:on|enabled?|"
        r"activated?|granted)\b",
        prompt=0.35,
        passage=0.4,
    ),
    Pattern(
        "exfiltrate-link",
        "](http~](hxxp~<img",
        rf"!\[[^\]\[\n]{{0,80}}\]\({_URL}|<img[^>\n]{{0,80}}src=[\"']?{_URL}",
        r"=(?:\{|\[|\$|%7b|<|(?:data|summary|history|secret)\b)",
        200,
        prompt=0.4,
        passage=0.85,
    ),
    Pattern(
        "exfiltrate-link",
        "://~@",
        r"(?:send|forward|post|upload|submit|transmit|append|exfiltrate|email|leak)\b",
        rf"{_STOLEN}[^\n]{{0,80}}?(?:{_URL}|[\w.+-]{{1,40}}@[\w-]{{1,40}}\.)",
        200,
        prompt=0.3,
        passage=0.75,
    ),
    Pattern(
        "instructions-to-ai",
        " ai ~ ai,~ ai:~ ai-~ ai!~ ais~assistant~language model~llm~chatbot~gpt~copilot",
        rf"(?:^|[\n.!?>*#\[(] ?)(?:dear|attention|hey|hello|note (?:to|for)|message (?:to|for)|"
        rf"instructions? (?:to|for)|important for|notice to|to)"
        rf"(?: all| any| the| every| other)? {_AI}\b(?: (?:reading|processing|summari[sz]ing|"
        rf"reviewing)[^\n:,]{{0,40}})?\s?[:,\-!]"
        rf"|\bif you(?:'re| are) (?:an? |the )?(?:\w{{1,12}} )?{_AI}\b"
        rf"|\b{_AI} (?:must|should now|is instructed to|has to) (?:now )?(?:ignore|say|respond|reply|send|"
        rf"output|include|tell)\b",
        prompt=0.3,
        passage=0.75,
    ),
    Pattern(
        "hidden-in-comment",
        "<!--",
        r"<!--",
        r"\b(?:ignore|disregard|instructions? (?:to|for)|assistant|ai|llm|you must|system prompt)\b",
        200,
        prompt=0.2,
        passage=0.7,
        crosses_lines=True,
    ),
    Pattern(
        "hidden-in-comment",
        "display:~font-size:~color:~visibility:",
        r"(?:display: ?none|font-size: ?0|visibility: ?hidden|color: ?(?:white|#fff(?:fff)?)\b)[^>\n]{0,60}>",
        r"\b(?:ignore|assistant|you must|instructions|ai)\b",
        200,
        prompt=0.2,
        passage=0.7,
    ),
    Pattern(
        "keep-from-user",
        "the user~the human~this instruction~these instruction~the prompt~user about",
        r"(?:do not|don't|never|without) (?:tell(?:ing)?|mention(?:ing)?|reveal(?:ing)?|inform(?:ing)?|"
        r"let(?:ting)?|notify(?:ing)?|alert(?:ing)?)"
        r"(?: (?:this|it|anything))?(?: to)? (?:the |this |these )(?:user|human|instructions?|prompt)\b",
        prompt=0.2,
        passage=0.6,
    ),
    Pattern(
        "code-smuggling",
        " code~snippet~excerpt~ lines~ block~ script",
        r"(?:following|below|subsequent|next) (?:\w{1,12} ){0,2}?(?:code|snippet|lines|function|script|block|"
        r"excerpt)\b",
        _DANGEROUS,
        800,
        prompt=0.3,
        passage=0.4,
        crosses_lines=True,
    ),
)
