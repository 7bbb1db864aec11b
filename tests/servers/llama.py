"""llama.cpp's own HTTP server on loopback: `python llama.py WEIGHTS KEY` prints its address."""

from __future__ import annotations

import sys


def main(weights: str, key: str) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = weights
    params.api_keys = [key]
    params.n_ctx = 1024
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.warmup = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)  # noqa: T201 - how the caller learns it
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
