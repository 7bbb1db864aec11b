"""Formats of the keys of services that answer, embed, search or speak for notebooks."""

from __future__ import annotations

from typing import Final

from nbkit.guards.secret_rule import UUID, Rule, named

_HEX32: Final = r"[0-9a-fA-F]{32}"
_HEX40: Final = r"[0-9a-fA-F]{40}"

_OPENAI_LIKE: Final = (
    Rule("anthropic-key", "llm", ("sk-ant-",), r"sk-ant-(?:[a-z]{2,12}[0-9]{2}-)?[\w\-]{20,200}+", 3.0),
    Rule("openrouter-key", "llm", ("sk-or-",), r"sk-or-(?:v[0-9]-)?[0-9A-Za-z]{32,96}+", 3.0),
    Rule("langfuse-key", "llm", ("sk-lf-",), rf"sk-lf-{UUID}"),
    Rule("openai-key", "llm", ("sk-",), r"sk-(?:proj|svcacct|service|admin|None)-[\w\-]{20,240}+", 3.0),
    Rule("deepseek-key", "llm", ("sk-",), r"sk-[0-9a-f]{32}", 2.5),
    # The format that many copied: up to three short words, then a long run.
    Rule(
        "openai-key",
        "llm",
        ("sk-",),
        r"sk-(?>(?:[A-Za-z0-9]{1,16}[\-_]){0,3})[A-Za-z0-9]{20,120}+",
        2.5,
        look="random",
    ),
    Rule("litellm-key", "llm", ("sk-",), r"sk-(?=[\w\-]{0,21}[0-9])(?=[\w\-]{0,21}[A-Z])[\w\-]{22}(?!-)", 3.5),
)

_PREFIXED: Final = (
    Rule("google-key", "llm", ("AIza",), r"AIza[\w\-]{35}", 3.0),
    Rule("google-key", "llm", ("AQ.",), r"AQ\.(?=[\w\-]{0,100}[0-9])[A-Z][\w\-]{30,200}+", 3.5),
    Rule("groq-key", "llm", ("gsk_",), r"gsk_[A-Za-z0-9]{40,64}+"),
    Rule("xai-key", "llm", ("xai-",), r"xai-(?:token-)?[A-Za-z0-9]{40,128}+"),
    Rule("perplexity-key", "llm", ("pplx-",), r"pplx-[A-Za-z0-9]{32,64}+"),
    Rule("replicate-key", "llm", ("r8_",), r"r8_[A-Za-z0-9]{32,48}+"),
    Rule("huggingface-token", "llm", ("hf_",), r"hf_(?:oauth_)?[A-Za-z0-9]{34,40}+", 3.0),
    Rule("huggingface-token", "llm", ("hf_oauth_", "hf_jwt_"), r"hf_(?:oauth|jwt)_[\w\-.]{20,300}+", 3.0),
    Rule("huggingface-token", "llm", ("api_org_",), r"api_org_[A-Za-z]{34}", 3.0),
    Rule("together-key", "llm", ("tgp_v1_",), r"tgp_v1_[\w\-]{32,64}+"),
    Rule("fireworks-key", "llm", ("fw_",), r"fw_[A-Za-z0-9]{20,28}+", 3.0, look="random"),
    Rule("nvidia-key", "llm", ("nvapi-",), r"nvapi-[\w\-]{40,128}+"),
    Rule("cerebras-key", "llm", ("csk-",), r"csk-[a-z0-9]{40,64}+"),
    Rule("voyage-key", "llm", ("pa-",), r"pa-(?=[\w\-]{0,40}[0-9])(?=[\w\-]{0,40}[A-Z])[\w\-]{40,52}+", 3.5),
    Rule("jina-key", "llm", ("jina_",), r"jina_[0-9a-f]{32}[\w\-]{16,48}+"),
    Rule("tavily-key", "llm", ("tvly-",), r"tvly-(?:(?:dev|prod)-)?(?:[A-Za-z0-9]{1,8}-)?[A-Za-z0-9\-]{24,64}+", 3.0),
    Rule("langsmith-key", "llm", ("lsv2_",), r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    Rule("langsmith-key", "llm", ("ls__",), r"ls__[0-9a-f]{32}"),
    Rule("wandb-key", "llm", ("wandb_v1_",), r"wandb_v1_[\w\-]{40,128}+"),
    Rule("pinecone-key", "llm", ("pcsk_",), r"pcsk_[A-Za-z0-9_]{40,100}+"),
    Rule("databricks-token", "llm", ("dapi",), r"dapi[0-9a-h]{32}(?:-[0-9]{1,2})?"),
    Rule("elevenlabs-key", "llm", ("sk_",), r"sk_[0-9a-f]{48}"),
    Rule("cartesia-key", "llm", ("sk_car_",), r"sk_car_[\w\-]{20,64}+"),
    Rule("anyscale-key", "llm", ("esecret_",), r"esecret_[A-Za-z0-9]{24,48}+"),
    Rule("llamacloud-key", "llm", ("llx-",), r"llx-[A-Za-z0-9]{40,64}+"),
    Rule("firecrawl-key", "llm", ("fc-",), r"fc-[0-9a-f]{32}"),
    Rule("runpod-key", "llm", ("rpa_",), r"rpa_[A-Z0-9]{36,52}+[a-z0-9]{0,8}+", 3.0),
    Rule("nomic-key", "llm", ("nk-",), r"nk-(?=[\w\-]{0,40}[0-9])(?=[\w\-]{0,40}[A-Z])[\w\-]{40,52}+", 3.5),
    Rule("friendli-token", "llm", ("flp_",), r"flp_[A-Za-z0-9]{40,64}+"),
    Rule("upstage-key", "llm", ("up_",), r"up_(?=[A-Za-z]{0,28}[0-9])(?=[a-z0-9]{0,28}[A-Z])[A-Za-z0-9]{29}", 3.5),
    Rule("promptlayer-key", "llm", ("pl_",), r"pl_[0-9a-f]{32}"),
    Rule("kaggle-token", "llm", ("KGAT_",), r"KGAT_[0-9a-f]{32}"),
    Rule(
        "modal-token",
        "llm",
        ("ak-", "as-"),
        r"a[ks]-(?=[A-Za-z]{0,21}[0-9])(?=[a-z0-9]{0,21}[A-Z])[A-Za-z0-9]{22}",
        3.2,
    ),
    Rule("prefect-key", "llm", ("pnu_", "pnb_"), r"pn[ub]_[A-Za-z0-9]{36}", 3.0),
)

_NAMED: Final = (
    named("cohere-key", "llm", ("cohere", "co_api"), "[A-Za-z0-9]{40}"),
    named("mistral-key", "llm", ("mistral",), "[A-Za-z0-9]{32}"),
    named("together-key", "llm", ("together",), "[0-9a-f]{64}"),
    named("azure-openai-key", "llm", ("azure", "openai"), f"(?:{_HEX32}|[A-Za-z0-9]{{80,90}}+)"),
    named("wandb-key", "llm", ("wandb",), _HEX40),
    named("pinecone-key", "llm", ("pinecone",), UUID, min_entropy=2.5),
    named("elevenlabs-key", "llm", ("elevenlabs", "eleven_", "xi-api", "xi_api"), _HEX32, min_entropy=2.5),
    named("assemblyai-key", "llm", ("assemblyai", "aai_"), _HEX32, min_entropy=2.5),
    named("deepgram-key", "llm", ("deepgram", "dg_"), _HEX40),
    named("ai21-key", "llm", ("ai21",), f"(?:{UUID}|[A-Za-z0-9]{{32}})"),
    named("deepinfra-key", "llm", ("deepinfra",), "[A-Za-z0-9]{32}"),
    named("baseten-key", "llm", ("baseten",), r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}"),
    named("zhipu-key", "llm", ("zhipu", "zai", "bigmodel", "glm"), r"[0-9a-f]{32}\.[A-Za-z0-9]{16}"),
    named("ollama-key", "llm", ("ollama",), r"[0-9a-f]{32}\.[\w\-]{20,32}+"),
    named("sambanova-key", "llm", ("sambanova",), UUID, min_entropy=2.5),
    named("ark-key", "llm", ("ark_", "volc"), UUID, min_entropy=2.5),
    named("exa-key", "llm", ("exa_",), UUID, min_entropy=2.5),
    named("fal-key", "llm", ("fal_",), rf"{UUID}:[0-9a-f]{{32}}"),
    named("serpapi-key", "llm", ("serpapi", "serp_api"), "[0-9a-f]{64}"),
    named("serper-key", "llm", ("serper",), _HEX40),
    named("comet-key", "llm", ("comet", "opik"), "[A-Za-z0-9]{25}"),
    named("kaggle-key", "llm", ("kaggle",), _HEX32),
)

LLM_RULES: Final = (*_OPENAI_LIKE, *_PREFIXED, *_NAMED)
