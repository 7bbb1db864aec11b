from types import SimpleNamespace

from nbkit.magics.tables import draw, draw_text
from nbkit.secrets import SecretRegistry
from nbkit.tables import Table

HOSTILE = "<script>alert(1)</script>\x1b[31m"


class Publisher:
    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []

    def publish(self, data: dict[str, str], metadata: dict[str, str]) -> None:
        self.sent.append(data)


def test_text_in_a_table_is_shown_and_never_obeyed():
    table = Table(HOSTILE, ("a", HOSTILE), [(HOSTILE, "1")], note=HOSTILE)
    assert "<script>" not in table.html()
    assert "\x1b" not in table.html() + table.text()


def test_a_table_has_caption_and_heads():
    page = Table("Caption", ("name", "value"), [("row", "1")]).html()
    assert "<caption" in page
    assert page.count('scope="col"') == 2
    assert page.count('scope="row"') == 1
    assert "<style" not in page


def test_nothing_is_drawn_with_a_secret_in_it():
    shell = SimpleNamespace(display_pub=Publisher())
    secrets = SecretRegistry({"MY_KEY": "sk-abcdefgh12345678"})
    draw(shell, secrets, Table("t", ("a", "b"), [("x", "sk-abcdefgh12345678")]))
    draw_text(shell, secrets, "at sk-abcdefgh12345678")
    for bundle in shell.display_pub.sent:
        assert set(bundle) == {"text/plain", "text/html"}
        assert all("sk-abc" not in text and "[secret:MY_KEY]" in text for text in bundle.values())
