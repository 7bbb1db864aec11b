from __future__ import annotations

import re
import threading
import time
from dataclasses import replace

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from nbkit.errors import NotebookError
from nbkit.recorded import RECORD_MIME
from nbkit.report import report

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def page(path, **options):
    return report(path, **options).read_text(encoding="utf-8")


def plain(markup):
    text = re.sub(r"<style>.*?</style>", "", markup, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_page_stands_beside_the_notebook_and_the_same_file_gives_the_same_page(write, make, tmp_path):
    path = write(make.prompt("%%llm\nhi", make.card(make.record())))
    assert report(path) == tmp_path / "sample.html"
    assert page(path) == page(path, out=tmp_path / "new" / "other.html")


def test_summary_counts_calls_costs_savings_latency_tokens_and_failures(write, make):
    records = [make.record(1), make.record(3), make.hit(4), make.failed(5), make.failed(6, "blocked")]
    text = plain(page(write(make.prompt("%%llm\nhi", make.card(*records)))))
    assert "Calls 5 1 model" in text
    assert "Cost $0.002 prices prices 1 (2026-01-01)" in text
    assert "Saved by the cache $0.001 1 of 5 calls from the cache" in text
    assert "Latency, median 1.00 s p95 3.00 s, n = 2 · hits 4.0 ms (1)" in text
    assert "Tokens in → out 2,000 → 100 live calls only" in text
    assert "Failures 2 1 error, 1 blocked" in text


def test_unknown_price_is_never_drawn_as_zero(write, make):
    unknown = make.record(2, cost=make.record().cost.__class__(None))
    text = plain(page(write(make.prompt("%%llm\nhi", make.card(unknown)))))
    assert "Cost ? 1 call without a known price" in text
    both = plain(page(write(make.prompt("%%llm\nhi", make.card(make.record(), unknown)))))
    assert "Cost ≥ $0.001" in both


def test_prices_of_the_readers_own_are_called_so(write, make):
    record = make.record()
    own = make.record(2, cost=replace(record.cost, prices_as_of="settings", source="own"))
    text = plain(page(write(make.prompt("%%llm\nhi", make.card(own)))))
    assert "Cost $0.001 your own prices" in text
    assert "Prices as of your own prices" in text
    both = plain(page(write(make.prompt("%%llm\nhi", make.card(record, own)))))
    assert "Cost $0.002 prices prices 1 (2026-01-01), your own prices" in both


def test_record_that_two_outputs_carry_counts_once(write, make):
    cell = make.prompt("%%llm\nhi", make.card(make.record()), make.card(make.record()))
    assert "Calls 1 " in plain(page(write(cell)))


def test_output_that_claims_to_carry_records_and_does_not_is_drawn_as_text(write):
    data = {RECORD_MIME: [{"id": 1}, "x", None], "text/plain": "mine", "text/html": "<b>mine</b>"}
    text = plain(page(write(new_code_cell("x", outputs=[new_output("display_data", data)]))))
    assert "No call was recorded" in text
    assert "mine" in text


def test_prompt_is_shown_with_its_options_and_the_answer_below(write, make):
    answer = new_output("display_data", {"text/markdown": "**Hi** there", "text/plain": "x"})
    markup = page(write(make.prompt("%%llm -m gpt-x -t 0.5\nSay {{ word }} & <hi>", answer, make.card(make.record()))))
    assert "<code>-m gpt-x -t 0.5</code>" in markup
    assert 'Say <span class="nb-name">{{ word }}</span> &amp; &lt;hi&gt;' in markup
    assert "<strong>Hi</strong> there" in markup


def test_hidden_code_hides_code_and_keeps_prompts_and_outputs(write, make):
    cells = [
        new_code_cell("secret_code = 1", outputs=[new_output("stream", text="printed")]),
        make.prompt("%%llm\nthe question", make.card(make.record())),
    ]
    markup = page(write(*cells), hide_code=True)
    assert "secret_code" not in markup
    assert "printed" in markup
    assert "the question" in markup
    assert "secret_code" in page(write(*cells))


def test_provenance_comes_from_the_file(write, make):
    text = plain(page(write(make.prompt("%%llm\nhi", make.card(make.record(1), make.record(9))))))
    assert "Executed 2026-01-02 03:04:06 to 2026-01-02 03:04:14 UTC" in text
    assert "Models asked openai:gpt-4o-mini" in text
    assert "Models that answered gpt-4o-mini-2024" in text
    assert "ab" * 6 in text
    assert re.search(r"Reported by nbkit \d", text)


def test_page_has_no_address_outside_it_that_anything_would_load(write, make):
    cells = [
        new_markdown_cell("![a](https://evil.test/a.png) [b](https://evil.test) <https://evil.test/c>"),
        new_code_cell("x", outputs=[new_output("display_data", {"text/html": '<img src="https://evil.test/a.png">'})]),
        make.prompt("%%llm\nhi", make.card(make.record(), html='<a href="https://evil.test">x</a>')),
    ]
    markup = page(write(*cells))
    assert not re.search(r"(src|href|action|poster|srcset)\s*=\s*[\"']?(https?:|//)", markup)
    assert not re.search(r"url\(|@import|<script|<link|<iframe", markup)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in markup


def test_outputs_of_all_kinds_are_drawn(write):
    outputs = [
        new_output("stream", name="stderr", text="warned"),
        new_output("display_data", {"image/png": PNG, "text/plain": "<Figure 1>"}),
        new_output("display_data", {"image/svg+xml": "<svg xmlns='x'><script>1</script></svg>"}),
        new_output("display_data", {"application/json": {"a": [1]}}),
        new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Box()"}),
        new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31mValueError\x1b[0m: no\x1b]8;;x\x07"]),
    ]
    markup = page(write(new_code_cell("x", outputs=outputs)))
    assert f'<img src="data:image/png;base64,{PNG}" alt="&lt;Figure 1&gt;">' in markup
    assert '<img src="data:image/svg+xml;base64,' in markup
    assert "&#34;a&#34;: [" in markup
    assert "Box()" in markup
    assert "Interactive output, not part of this page" in markup
    assert '<span class="ansi-red-fg">ValueError</span>: no' in markup
    assert "\x1b" not in markup


def test_a_table_that_is_wider_than_the_page_shows_that_there_is_more(write, make):
    """By a shade at its edge: many systems draw no scrollbar before one scrolls."""
    markup = page(write(new_code_cell("t", outputs=[new_output("display_data", {"text/html": "<table></table>"})])))
    (rule,) = re.findall(r"\.nb-wide \{[^}]*background:[^}]*\}", markup.partition("@media print")[0])
    assert (rule.count("no-repeat local"), rule.count("no-repeat scroll")) == (2, 2)


def test_long_output_is_folded_with_the_number_of_lines(write):
    markup = page(write(new_code_cell("x", outputs=[new_output("stream", text="\n".join(map(str, range(1000))))])))
    assert "<summary>976 more lines</summary>" in markup


def test_progress_that_was_written_over_shows_its_end(write):
    markup = page(write(new_code_cell("x", outputs=[new_output("stream", text="10%\r50%\r100%\ndone\n")])))
    assert "<pre>100%\ndone</pre>" in markup


def test_first_heading_is_the_title_and_stands_once(write):
    markup = page(write(new_markdown_cell("# My *study*\n\nIntro."), new_markdown_cell("## Part")))
    assert re.findall(r"<h1>(.*?)</h1>", markup) == ["My study"]
    assert markup.count("My study") == 2  # title and heading
    assert '<h2 id="Part">' in markup


def test_attachment_is_part_of_the_file_and_a_missing_one_is_said(write):
    cell = new_markdown_cell("![a](attachment:a.png) ![b](attachment:b.png)")
    cell["attachments"] = {"a.png": {"image/png": PNG}}
    assert "image not shown: b" in page(write(cell))
    cell.source = "![a](attachment:a.png)"
    assert PNG in page(write(cell))


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"cells": 1, "nbformat": 4}', "\x00"])
def test_file_that_is_no_notebook_is_an_error_on_purpose(content, tmp_path):
    path = tmp_path / "broken.ipynb"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NotebookError) as raised:
        report(path)
    assert "'broken.ipynb' cannot be read" in raised.value.what


def test_missing_file_and_folder_in_the_way_are_errors_on_purpose(write, tmp_path):
    with pytest.raises(NotebookError):
        report(tmp_path / "none.ipynb")
    with pytest.raises(NotebookError, match="cannot be written"):
        report(write(new_markdown_cell("x")), out=tmp_path)


def test_empty_notebook_has_a_page(write):
    assert "No call was recorded" in page(write())


def test_secrets_in_use_are_in_no_page_however_they_came_into_the_notebook(write, tmp_path, monkeypatch):
    key = "sk-proj-7Qx/Zk+2mVr9-Lw4Tb8Yc1NsE6Hd0Jf5Gp3Ua"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    failed = new_output("error", ename="E", evalue=key, traceback=[f"no {key}"])
    told = [
        new_output("stream", text=f"it is {key}\n"),
        new_output("display_data", {"text/html": f"<b>{key}</b>"}),
        failed,
    ]
    path = write(
        new_code_cell(f'key = "{key}"', outputs=told), new_code_cell(f"%%llm\nUse {key}"), new_markdown_cell(key)
    )
    text = plain(page(path.rename(tmp_path / "7Qx.ipynb")))
    assert key[8:20] not in text.replace(" ", "")
    assert text.count("[secret:OPENAI_API_KEY]") >= 4
    assert key in (tmp_path / "7Qx.ipynb").read_text()


def test_notebook_that_is_being_saved_is_read_once_it_is_whole(write, make):
    path = write(make.prompt("%%llm\nhi", make.card(make.record())))
    whole, expected = path.read_bytes(), page(path)

    def save():
        for size in (len(whole) // 3, len(whole)):
            time.sleep(0.2)
            path.write_bytes(whole[:size])

    path.write_bytes(b"")
    saving = threading.Thread(target=save)
    saving.start()
    found = page(path)
    saving.join()

    assert found == expected


def test_notebook_that_stays_half_is_refused(write, make):
    path = write(make.prompt("%%llm\nhi", make.card(make.record())))
    path.write_bytes(path.read_bytes()[:100])

    with pytest.raises(NotebookError, match="cannot be read as a notebook"):
        report(path)
