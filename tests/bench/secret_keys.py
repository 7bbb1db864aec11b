"""Fresh keys in the formats of their issuers, from a seed: written from what issuers say, not from the rules."""

from __future__ import annotations

import base64
import json
import random
import re
import string
import uuid

_SETS = {
    "w": string.ascii_letters + string.digits + "-_",
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_letters,
    "h": "0123456789abcdef",
    "d": string.digits,
    "U": string.ascii_uppercase + string.digits,
    "u": string.ascii_lowercase + string.digits,
    "B": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "6": string.ascii_letters + string.digits + "+/",
}

LLM_AND_CLOUD = {
    "openai": [
        "sk-{a20}T3BlbkFJ{a20}",
        "sk-proj-{w74}T3BlbkFJ{w74}",
        "sk-svcacct-{w74}T3BlbkFJ{w74}",
        "sk-admin-{w58}T3BlbkFJ{w58}",
    ],
    "anthropic": ["sk-ant-api03-{w93}AA", "sk-ant-admin01-{w93}AA", "sk-ant-oat01-{w93}AA"],
    "google": ["AIza{w35}", "AQ.Ab8RN6{w44}"],
    "mistral": ['MISTRAL_API_KEY="{a32}"', "mistral_api_key: {a32}"],
    "cohere": ["CO_API_KEY={a40}", 'cohere.Client("{a40}")', 'os.environ["COHERE_API_KEY"] = "{a40}"'],
    "groq": ["gsk_{a52}"],
    "xai": ["xai-{a80}"],
    "perplexity": ["pplx-{a48}", "pplx-{h48}"],
    "replicate": ["r8_{a37}"],
    "huggingface": ["hf_{l34}", "hf_{a34}", "api_org_{l34}"],
    "together": ["tgp_v1_{w43}", 'TOGETHER_API_KEY="{h64}"'],
    "fireworks": ["fw_{a22}", "fw_{a24}"],
    "deepseek": ["sk-{h32}"],
    "moonshot": ["sk-{a48}"],
    "openrouter": ["sk-or-v1-{h64}"],
    "nvidia": ["nvapi-{w64}"],
    "cerebras": ["csk-{u48}"],
    "voyage": ["pa-{w43}"],
    "jina": ["jina_{h32}{w28}"],
    "tavily": ["tvly-{a32}", "tvly-dev-{a32}"],
    "langsmith": ["lsv2_pt_{h32}_{h10}", "lsv2_sk_{h32}_{h10}"],
    "langfuse": ["sk-lf-{uuid}"],
    "wandb": ["WANDB_API_KEY={h40}", 'wandb.login(key="{h40}")'],
    "pinecone": ["pcsk_{a6}_{a63}", 'PINECONE_API_KEY="{uuid}"'],
    "databricks": ["dapi{h32}", "dapi{h32}-2"],
    "elevenlabs": ["sk_{h48}", 'ELEVENLABS_API_KEY="{h32}"'],
    "assemblyai": ['aai.settings.api_key = "{h32}"', "ASSEMBLYAI_API_KEY={h32}"],
    "deepgram": ['DEEPGRAM_API_KEY="{h40}"', '"deepgramApiKey": "{h40}"'],
    "azure-openai": ["AZURE_OPENAI_API_KEY={h32}", 'AZURE_OPENAI_KEY="{a52}JQQJ99{a26}"'],
    "aws": [
        "AKIA{B16}",
        "ASIA{B16}",
        "aws_secret_access_key = {6!40}",
        '"SecretAccessKey": "{6!40}"',
        "AWS_SECRET_ACCESS_KEY={6!40}",
    ],
    "gcp": ["ya29.{w180}", "GOCSPX-{w28}", "{pem:PRIVATE KEY}"],
    "azure": [
        "DefaultEndpointsProtocol=https;AccountName=store1;AccountKey={b64}==;EndpointSuffix=core.windows.net",
        "https://store1.blob.core.windows.net/c/b?sv=2023-11-03&se=2026-01-01&sr=b&sp=r&sig={sig}",
        "{a3}8Q~{a34}",
    ],
    "github": ["ghp_{a36}", "gho_{a36}", "ghu_{a36}", "ghs_{a36}", "ghr_{a36}", "github_pat_{a22}_{a59}"],
    "gitlab": ["glpat-{w20}", "glpat-{w27}.{u2}.{u9}", "gldt-{w20}", "glrt-{w20}"],
}

LONG_TAIL = {
    "slack": [
        "xoxb-{d12}-{d13}-{a24}",
        "xoxp-{d12}-{d12}-{d13}-{h32}",
        "xapp-1-A{U10}-{d13}-{h64}",
        "https://hooks.slack.com/services/T{U10}/B{U10}/{a24}",
    ],
    "stripe": ["sk_live_{a24}", "sk_test_{a99}", "rk_live_{a24}", "whsec_{a32}"],
    "twilio": ["SK{h32}"],
    "sendgrid": ["SG.{w22}.{w43}"],
    "mailgun": ["key-{h32}"],
    "mailchimp": ["{h32}-us12"],
    "npm": ["npm_{a36}", "//npm.example.org/:_authToken={uuid}"],
    "pypi": ["pypi-AgEIcHlwaS5vcmc{w150}"],
    "docker": ["dckr_pat_{w27}"],
    "digitalocean": ["dop_v1_{h64}"],
    "heroku": ["HRKU-AA{w58}", "HEROKU_API_KEY={uuid}"],
    "cloudflare": ["CLOUDFLARE_API_TOKEN={w40}", "v1.0-{h24}-{h146}"],
    "vercel": ['VERCEL_TOKEN="{a24}"'],
    "netlify": ["nfp_{a36}"],
    "supabase": ["sbp_{h40}", "sb_secret_{w31}"],
    "telegram": ["{d10}:AA{w33}"],
    "discord": ["{discord}", "https://discord.com/api/webhooks/{d18}/{w68}"],
    "shopify": ["shpat_{h32}"],
    "square": ["sq0atp-{w22}", "sq0csp-{w43}"],
    "atlassian": ["ATATT3xFfGF0{w172}={U8}"],
    "linear": ["lin_api_{a40}"],
    "notion": ["ntn_{d11}{a35}", "secret_{a43}"],
    "figma": ["figd_{w40}"],
    "grafana": ["glsa_{a32}_{h8}"],
    "newrelic": ["NRAK-{U27}"],
    "datadog": ["DD_API_KEY={h32}", "DATADOG_APP_KEY={h40}"],
    "sentry": ["sntryu_{h64}"],
    "vault": ["hvs.{w90}", "hvs.{a24}"],
    "terraform": ["{a14}.atlasv1.{w67}"],
    "jwt": ["{jwt}"],
    "pem": [
        "{pem:RSA PRIVATE KEY}",
        "{pem:EC PRIVATE KEY}",
        "{pem:OPENSSH PRIVATE KEY}",
        "{pem:PGP PRIVATE KEY BLOCK}",
    ],
    "url": [
        "postgresql://app:{a16}@db.internal:5432/app",
        "https://bob:{a12}@git.corp.io/x.git",
        "redis://:{a20}@cache:6379/0",
    ],
    "assigned": [
        'password = "{a12}!"',
        'api_key: "{a32}"',
        "SECRET_KEY={w50}",
        '"token": "{h40}"',
        'client_secret="{w32}"',
    ],
}


def make(form: str, dice: random.Random) -> str:
    """A form with its places filled."""
    return re.sub(r"\{([^{}]+)\}", lambda place: _fill(place.group(1), dice), form)


def _fill(place: str, dice: random.Random) -> str:  # noqa: PLR0911 - one line for each kind of place
    if place == "uuid":
        return str(uuid.UUID(int=dice.getrandbits(128), version=4))
    if place == "b64":
        return base64.b64encode(dice.randbytes(64)).decode().rstrip("=")
    if place == "sig":
        return base64.b64encode(dice.randbytes(32)).decode().replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    if place == "jwt":
        parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": str(dice.getrandbits(40)), "iat": 1_700_000_000}]
        coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return ".".join([*coded, base64.urlsafe_b64encode(dice.randbytes(32)).decode().rstrip("=")])
    if place == "discord":
        user = base64.b64encode(str(dice.randrange(10**17, 10**18)).encode()).decode()
        return f"{user}.{_draw('w', 6, dice)}.{_draw('w', 38, dice)}"
    if place.startswith("pem:"):
        body = base64.b64encode(dice.randbytes(600)).decode()
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return f"-----BEGIN {place[4:]}-----\n{lines}\n-----END {place[4:]}-----"
    if place[1] == "!":  # each class of character at least once, as forty characters of an AWS secret have
        while not re.search("[0-9]", drawn := _draw(place[0], int(place[2:]), dice)) or not re.search(
            "[A-Z].*[a-z]|[a-z].*[A-Z]", drawn
        ):
            pass
        return drawn
    return _draw(place[0], int(place[1:]), dice)


def _draw(chars: str, length: int, dice: random.Random) -> str:
    drawn = [dice.choice(_SETS[chars]) for _ in range(length)]
    while drawn[-1] in "-_":  # counted as found or not by the whole key, so one that could not end a word is not drawn
        drawn[-1] = dice.choice(_SETS[chars])
    return "".join(drawn)


WRAPS = {
    "bare": "{}",
    "prose": "my key is {} and it does not work",
    "python": 'client = Client("{}", timeout=30)\nprint(client)',
    "json": '{{"name": "x", "credential_value": "{}", "n": 1}}',
    "json-escaped": '{{"source": "line one\\n{}\\nline three"}}',
    "env": "export SERVICE_CREDENTIAL={}\nDEBUG=1",
    "yaml": "service:\n  credential: {}\n  n: 3",
    "url": "https://api.example.com/v1/run?key={}&n=1",
    "bearer": 'curl -H "Authorization: Bearer {}" https://api.example.com',
    "markdown": "Use `{}` for this.",
    "comma": "a,{},b",
}
