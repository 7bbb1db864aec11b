"""A fast provider on loopback in a process of its own: `python streaming.py TOKENS LATENCY_S` prints its port.

With --paced each token is a write of its own, one turn of the event loop apart.
"""

from __future__ import annotations

import asyncio
import json
import sys


def blocks(tokens: int) -> list[bytes]:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    rows = [head | {"choices": [{"index": 0, "delta": {"content": "tok "}, "finish_reason": None}]}] * tokens
    rows.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    rows.append(head | {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": tokens}})
    return [f"data: {json.dumps(row)}\n\n".encode() for row in rows] + [b"data: [DONE]\n\n"]


async def serve(tokens: int, latency_s: float, *, is_paced: bool) -> None:
    chunks = [b"%x\r\n%s\r\n" % (len(block), block) for block in blocks(tokens)] + [b"0\r\n\r\n"]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    whole = head + b"".join(chunks)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                fields = await reader.readuntil(b"\r\n\r\n")
                length = fields.lower().split(b"content-length:")[1].split(b"\r\n")[0]
                await reader.readexactly(int(length))
                if latency_s:
                    await asyncio.sleep(latency_s)
                if is_paced:
                    writer.write(head)
                    for chunk in chunks:
                        writer.write(chunk)
                        await asyncio.sleep(0)
                else:
                    writer.write(whole)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - how the caller learns it
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), is_paced="--paced" in sys.argv))
