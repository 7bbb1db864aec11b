from __future__ import annotations

import random
import re
import sys
from itertools import pairwise
from re import _parser  # how long a pattern may match is asked of the parser itself

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards import secret_formats
from nbkit.guards.keywords import lowered
from nbkit.guards.secret_formats import all_rules, find_secrets
from nbkit.guards.secret_rule import LOOKBACK_CHARS

RULES = all_rules()


def kinds(text):
    return [found.kind for found in find_secrets(text)]


def drawn(chars, length, seed=1):
    dice = random.Random(seed)
    return "".join(dice.choice(chars) for _ in range(length))


ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"
A = drawn(ALNUM, 120)
H = drawn(HEX, 120)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("openai-key", f"sk-{A[:20]}T3BlbkFJ{A[20:40]}"),
        ("openai-key", f"sk-svcacct-{A[:60]}"),
        ("anthropic-key", f"sk-ant-api03-{A[:93]}AA"),
        ("google-key", f"AIza{A[:35]}"),
        ("groq-key", f"gsk_{A[:52]}"),
        ("xai-key", f"xai-{A[:80]}"),
        ("perplexity-key", f"pplx-{A[:48]}"),
        ("replicate-key", f"r8_{A[:37]}"),
        ("huggingface-token", f"hf_{A[:34]}"),
        ("together-key", f"tgp_v1_{A[:43]}"),
        ("deepseek-key", f"sk-{H[:32]}"),
        ("openrouter-key", f"sk-or-v1-{H[:64]}"),
        ("nvidia-key", f"nvapi-{A[:64]}"),
        ("langsmith-key", f"lsv2_pt_{H[:32]}_{H[32:42]}"),
        ("pinecone-key", f"pcsk_{A[:6]}_{A[6:69]}"),
        ("databricks-token", f"dapi{H[:32]}"),
        ("cohere-key", f'os.environ["COHERE_API_KEY"] = "{A[:40]}"'),
        ("mistral-key", f"MISTRAL_API_KEY={A[:32]}"),
        ("deepgram-key", f'deepgram = DeepgramClient("{H[:40]}")'),
        ("wandb-key", f'wandb.login(key="{H[:40]}")'),
        ("aws-access-key", "AKIAIOSFODNN7EXAMPLE"),
        ("aws-secret-key", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("azure-storage-key", "AccountKey=" + drawn(ALNUM, 86) + "=="),
        ("azure-client-secret", f"abc8Q~{A[:34]}"),
        ("github-token", f"ghp_{A[:36]}"),
        ("gitlab-token", f"glpat-{A[:20]}"),
        ("slack-token", "xoxb-" + "123456789012-1234567890123-" + A[:24]),
        ("telegram-token", f"4839574812:AA{A[:33]}"),
        ("terraform-token", f"{A[:14]}.atlasv1.{A[14:81]}"),
        ("url-password", "postgresql://app:tr0ub4dor@db.internal/app"),
        ("bearer-token", f"Authorization: Bearer {A[:40]}"),
        ("api-key", f'{{"x-api-key": "{A[:32]}"}}'),
        ("password", 'password = "S3cure!pony"'),
    ],
)
def test_key_is_named_by_its_issuer(kind, text):
    assert kinds(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "commit 27bbbec4f1a0c3d5e7f9a1b3c5d7e9f1a3b5c7d9 of nbkit",
        "id: 550e8400-e29b-41d4-a716-446655440000",
        "sha256:" + H[:64],
        "data:image/png;base64," + drawn(ALNUM + "+/", 3000),
        "model='claude-sonnet-4-5-20250929', tokenizer='bert-base-uncased'",
        "max_tokens=4096, token_count: 123456789012, num_tokens = 16000",
        'api_key="your-api-key-here"',
        "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        'client = OpenAI(api_key=os.environ["OPENAI_API_KEY"])',
        'api_key = os.getenv("SERVICE_API_KEY_2024_PRODUCTION_1")',
        "api_key=<YOUR_API_KEY>, token=${GITHUB_TOKEN_2024_ABCDEF12}",
        "password: changeme\npassword = getpass.getpass()\npassword=self.config.db_password1",
        "postgresql://user:password@localhost/db and postgresql://postgres:postgres@db/x",
        "https://host:8080/path@2x.png and git@github.com:owner/repo.git",
        "<div class='sk-container-id-1 sk-toggleable__content sk-estimator-doc-link'>",
        "csrf_token = '9f8Zk3v9Qm1Lw0aBc4'; next_page_token: '9f8Zk3v9Qm1Lw0aBc4'",
        "key_id = '9f8Zk3v9Qm1Lw0aBc4', secret_name='prod-db-secret-2024-01'",
        'tokenizer = AutoTokenizer.from_pretrained("meta-llama/Llama-3.2-7b-hf")',
        'password: FilterOrBool = False, argument("password", default="")',
        "[secret:openai-key] token=[secret:api-key] [secret]",
        "KEY=\nSECRET=\nPASSWORD=\nDEBUG_LEVEL_2024=Abcdef123456",
    ],
)
def test_what_only_looks_like_a_key_is_let_through(text):
    assert kinds(text) == []


@pytest.mark.parametrize(
    "around", ["{}", '"{}"', "x={}&y=1", "a,{},b", "\\n{}\\n", "Bearer {}", "({})", "q%3D{}", "`{}`", "_{}_x"]
)
def test_key_is_found_in_any_surroundings(around):
    text = around.format(f"gsk_{A[:52]}" if "_x" not in around else f"gsk_{A[:52]} ")
    at = text.index("gsk_")
    assert [(found.start, found.end) for found in find_secrets(text) if found.kind == "groq-key"] == [(at, at + 56)]


def test_several_keys_come_in_order_and_apart():
    text = f"gsk_{A[:52]} then AKIAQ3EGRIPWKTZ5MXBD then ghp_{A[:36]}"
    found = find_secrets(text)
    assert [each.kind for each in found] == ["groq-key", "aws-access-key", "github-token"]
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_specific_rule_names_what_a_generic_one_finds_too():
    assert kinds(f'OPENAI_API_KEY = "sk-proj-{A[:60]}"') == ["openai-key"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.kind}-{rule.keywords[0]}")
def test_rule_stays_within_what_a_stream_keeps(rule):
    value = _parser.parse(rule.value, re.ASCII).getwidth()[1]
    assert value <= rule.longest
    if rule.context:
        assert _parser.parse(rule.context, re.ASCII).getwidth()[1] <= LOOKBACK_CHARS - 30
        assert all(keyword == keyword.lower() for keyword in rule.keywords)
    assert max(rule.offsets) < 40


def test_lower_case_keeps_every_character_in_its_place():
    assert all(len(lowered(chr(code))) == 1 for code in range(sys.maxunicode + 1))


@pytest.mark.parametrize("unit", ['password = "', "token: ", "sk_car_-", f"gsk_{A[:52]} ", "https://a:b1c2d3e4@x "])
def test_what_comes_thousands_of_times_is_judged_once(monkeypatch, unit):
    judged = []
    monkeypatch.setattr(secret_formats, "_is_secret", lambda *args: judged.append(args))
    find_secrets(unit * 2000)
    assert len(judged) < 100


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule.is_named], ids=lambda rule: rule.kind)
@given(
    middle=st.lists(
        st.sampled_from(["_", "-", ".", " ", "a", "K", "api_", "key", "TOKEN", "\u212aey", "pass"]), max_size=14
    )
)
def test_a_look_for_the_word_behind_a_name_changes_nothing(rule, middle):
    text = f"{rule.keywords[0]}{''.join(middle)} = x"
    plainly, opened = rule.opening.match(text, 0), rule.opened(text, 0)
    assert (opened and opened.span()) == (plainly and plainly.span())
