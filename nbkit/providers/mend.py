"""A call again without the parameter that the model refused."""

from __future__ import annotations

import copy
import re
from dataclasses import replace

from nbkit.http.faults import Complaint
from nbkit.providers.answer import Body, Draft

_OURS = ("stream_options",)
"""Sent for our own sake: nobody asked for it, so leaving it out is no news."""
_DROPPED = {
    "temperature": "temperature",
    "seed": "seed",
    "stop": "stop",
    "stop_sequences": "stop",
    "stopSequences": "stop",
    "response_format": "format json",
    "responseMimeType": "format json",
}
_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_CODES = ("unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden")
_REFUSED = re.compile(
    r"unsupported|not support|n't support|deprecat|unknown (?:name|field|param|arg)|unrecogni[sz]ed|"
    r"extra (?:inputs|fields)|not permitted|not allowed|only the default|not (?:available|enabled)",
    re.IGNORECASE,
)


def refused_parameter(draft: Draft, complaint: Complaint) -> str | None:
    """Name of the parameter that the complaint is about, when the call can be made without it; else None.

    >>> draft = Draft("/x", {"temperature": 0.0, "model": "m"})
    >>> refused_parameter(draft, Complaint(code="unsupported_value", param="temperature"))
    'temperature'
    """
    if complaint.code not in _CODES and complaint.kind not in _CODES and not _REFUSED.search(complaint.message):
        return None
    known = (*_DROPPED, *_OURS, *_RENAMED)
    named = complaint.param.rpartition(".")[2]
    said = [named] if named else re.findall(r"[A-Za-z_]{3,40}", complaint.message[:1000])
    return next((name for name in said if name in known and _holder(draft.body, name) is not None), None)


def without(draft: Draft, name: str, *, model: str) -> Draft:
    """The call without the parameter, with a note; the two names of the limit of tokens stand in for one another.

    >>> without(Draft("/x", {"seed": 7}), "seed", model="m")
    Draft(path='/x', body={}, notes=("seed was left out: 'm' refuses it",))
    """
    body = copy.deepcopy(draft.body)
    holder = _holder(body, name)
    if holder is None:
        return draft
    value = holder.pop(name)
    if name in _RENAMED:
        holder[_RENAMED[name]] = value
    mended = replace(draft, body=body)
    return mended.noting(f"{_DROPPED[name]} was left out: {model!r} refuses it") if name in _DROPPED else mended


def _holder(body: Body, name: str) -> Body | None:
    if name in body:
        return body
    nested = (value for value in body.values() if isinstance(value, dict))
    return next((value for value in nested if name in value), None)
