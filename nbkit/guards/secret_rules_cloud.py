"""Formats of the keys of clouds, code hosts and the services that most notebooks reach."""

from __future__ import annotations

from typing import Final

from nbkit.guards.secret_rule import LEFT_OF_LONG, UUID, Rule, named

_B64: Final = "A-Za-z0-9+/"
_NO_B64: Final = r"(?![A-Za-z0-9+/=_]|\[secret)"
_AWS_SECRET: Final = (
    rf"(?<![{_B64}])(?=[{_B64}]{{0,39}}[0-9])(?=[{_B64}]{{0,39}}[A-Z])(?=[{_B64}]{{0,39}}[a-z])[{_B64}]{{40}}"
)
_ASSIGN: Final = r"\\?[\"'`]?\]?\s{0,4}(?:::?=|\?=|=>|==?|:|,)[ \t]{0,4}(?:\\?[\"'`])?"

_AWS: Final = (
    # Believed as it is, but for one of nothing but X: the documentation's example is what a guard is tried out with.
    Rule(
        "aws-access-key",
        "cloud",
        ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"),
        r"(?:A(?:KI|SI|BI|CC)A|A3T[A-Z0-9])[A-Z0-9]{16}",
        0.0,
        look="exact",
    ),
    Rule(
        "aws-secret-key",
        "cloud",
        ("aws", "secret_access_key", "secretaccesskey", "secret_key", "secretkey", "secret access key"),
        _AWS_SECRET,
        3.5,
        rf"(?i:aws|secret_access_key|secretaccesskey|secret_?key|secret access key)[\w.\- ]{{0,32}}+{_ASSIGN}",
        look="exact",
        right=_NO_B64,
    ),
    # The second of a pair: what follows the key's id.
    Rule(
        "aws-secret-key",
        "cloud",
        ("akia", "asia"),
        _AWS_SECRET,
        4.0,
        rf"(?i:akia|asia)[A-Z0-9]{{16}}(?>(?:[\"',:;|)\s]|\\n){{1,6}})(?:[A-Za-z][\w ]{{2,32}}+{_ASSIGN})?",
        look="exact",
        right=_NO_B64,
    ),
    Rule("aws-bedrock-key", "cloud", ("ABSK",), rf"ABSK[{_B64}]{{60,280}}+={{0,2}}", 3.5, right=_NO_B64),
    Rule(
        "aws-bedrock-key",
        "cloud",
        ("bedrock-api-key-",),
        rf"bedrock-api-key-[{_B64}]{{40,1800}}+={{0,2}}",
        3.5,
        longest=1900,
    ),
    Rule("aws-mws-key", "cloud", ("amzn.mws.",), rf"amzn\.mws\.{UUID}"),
)

_GOOGLE: Final = (
    Rule("google-oauth-token", "cloud", ("ya29.",), r"ya29\.[\w.\-]{20,2000}+", 3.0, longest=2100, left=LEFT_OF_LONG),
    Rule("google-oauth-secret", "cloud", ("GOCSPX-",), r"GOCSPX-[\w\-]{28}", 3.0),
    Rule("google-refresh-token", "cloud", ("1//0",), r"1//0[\w\-]{40,200}+", 3.5),
)

_AZURE: Final = (
    Rule(
        "azure-storage-key",
        "cloud",
        ("accountkey", "sharedaccesskey", "storagekey", "storage_key"),
        rf"[{_B64}]{{43}}=|[{_B64}]{{86}}==",
        3.0,
        r"(?i:accountkey|sharedaccesskey|storage_?key)\\?[\"']?\s{0,4}[=:]\s{0,4}\\?[\"']?",
        look="exact",
        right="",
    ),
    Rule(
        "azure-storage-key",
        "cloud",
        ("azure", "storage", "cosmos"),
        rf"[{_B64}]{{86}}==",
        3.5,
        rf"(?i:azure|storage|cosmos)[\w.\- ]{{0,40}}+{_ASSIGN}",
        look="exact",
        right="",
    ),
    Rule(
        "azure-sas-signature",
        "cloud",
        ("sig=",),
        r"(?>(?:[\w\-+/]|%[0-9A-Fa-f]{2}){43,72})={0,2}",
        3.0,
        r"(?<=[?&;])sig=",
    ),
    # Three characters come first; without them it is as secret, and they need not be held back from a stream.
    Rule(
        "azure-client-secret",
        "cloud",
        ("Q~",),
        r"[0-9]Q~[\w.~\-]{31,40}+",
        3.0,
        offsets=(1,),
        left=r"(?<=[\w~.\-]{3})(?:(?<![\w~.\-]{4})|(?<=\\[nrt][\w~.\-]{3}))",
    ),
)

_HOSTS: Final = (
    Rule("github-token", "cloud", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{36,251}+", 3.0),
    Rule("github-token", "cloud", ("github_pat_",), r"github_pat_\w{40,250}+", 3.0),
    Rule(
        "gitlab-token",
        "cloud",
        ("glpat-",),
        r"glpat-[\w\-]{20,300}+(?:\.[0-9a-z]{2}\.[0-9a-z]{7,9})?",
        3.0,
        longest=340,
    ),
    Rule(
        "gitlab-token",
        "cloud",
        ("gldt-", "glft-", "glsoat-", "glrt-", "glrtr-", "glcbt-", "glimt-", "glptt-", "glagent-", "gloas-", "glffct-"),
        r"gl(?:dt|ft|soat|rtr?|cbt|imt|ptt|agent|oas|ffct)-[\w\-]{20,300}+(?:\.[0-9a-z]{2}\.[0-9a-z]{7,9})?",
        3.0,
        longest=340,
    ),
    Rule("gitlab-token", "cloud", ("GR1348941",), r"GR1348941[\w\-]{20,60}+", 3.0),
    Rule(
        "atlassian-token",
        "cloud",
        ("ATATT3", "ATCTT3", "ATSTT3", "ATBB"),
        r"AT(?:[ACS]TT3|BB)[\w\-=]{24,320}+",
        3.0,
        longest=340,
    ),
    Rule("digitalocean-token", "cloud", ("dop_v1_", "doo_v1_", "dor_v1_"), r"do[opr]_v1_[0-9a-f]{64}"),
    Rule("heroku-key", "cloud", ("HRKU-",), rf"HRKU-(?:{UUID}|AA[\w\-]{{40,80}}+)", 2.5),
    Rule("docker-token", "cloud", ("dckr_pat_", "dckr_oat_"), r"dckr_[po]at_[\w\-]{24,48}+", 3.0),
    Rule("npm-token", "cloud", ("npm_",), r"npm_[A-Za-z0-9]{36}", 3.0),
    Rule(
        "npm-token",
        "cloud",
        ("_authtoken",),
        rf"(?:{UUID}|[A-Za-z0-9+/=_\-]{{20,200}}+)",
        2.5,
        r"(?i:_authtoken)\s{0,2}=\s{0,2}[\"']?",
    ),
    Rule("pypi-token", "cloud", ("pypi-",), r"pypi-Ag[\w\-]{70,1000}+", 3.0, longest=1100, left=LEFT_OF_LONG),
    Rule("cloudflare-key", "cloud", ("v1.0-",), r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    named("cloudflare-key", "cloud", ("cloudflare", "cf_api"), r"(?:[0-9a-f]{37}|[\w\-]{40})", min_entropy=3.2),
    named("heroku-key", "cloud", ("heroku",), UUID, min_entropy=2.5),
    named(
        "ibm-cloud-key",
        "cloud",
        ("ibm", "bluemix", "softlayer", "cloudant", "cloud_iam"),
        r"(?:[\w\-]{44}|[a-z0-9]{64})",
        min_entropy=3.2,
    ),
    named("alibaba-secret", "cloud", ("alibaba", "aliyun", "accesskeysecret"), "[A-Za-z0-9]{30}"),
    Rule("alibaba-key", "cloud", ("LTAI",), r"LTAI[A-Za-z0-9]{16,20}+", 2.5),
    Rule("tencent-key", "cloud", ("AKID",), r"AKID[A-Za-z0-9]{32}", 3.0),
    Rule("yandex-key", "cloud", ("AQVN", "y0_A"), r"(?:AQVN[\w\-]{35,38}+|y0_A[\w\-]{50,60}+)", 3.0),
    Rule("oracle-key", "cloud", ("ocid1.credential.",), r"ocid1\.credential\.[\w.\-]{20,120}+"),
)

CLOUD_RULES: Final = (*_AWS, *_GOOGLE, *_AZURE, *_HOSTS)
