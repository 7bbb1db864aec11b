"""Records without what was said in them."""

from __future__ import annotations

from dataclasses import replace

from nbkit.recorded import Record


def without_content(record: Record) -> Record:
    """The record with prompt and answer text emptied; hashes, lengths and figures stay.

    The prompt's are in the record itself; the sinks keep the answer's beside it.
    """
    request, response = record.request, record.response
    if request is not None:
        messages = tuple(replace(message, content="") for message in request.messages)
        request = replace(request, messages=messages, stop=(), params=())
    if response is not None:
        response = replace(response, text="")
    return replace(record, request=request, response=response)
