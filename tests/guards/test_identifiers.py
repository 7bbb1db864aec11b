from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards.identifiers import find_identifiers, luhn, mod97
from nbkit.pseudonyms import Numbering


def kinds(text):
    return [(span.kind, text[span.start : span.end]) for span in find_identifiers(text)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("EMAIL", value) for value in ("jane@example.org", "o'brien+x@mail.example.co.uk", "üser@exämple.de")),
        *(("EMAIL", value) for value in ("jane%40example.org", "o.brien%40mail.example.co.uk")),
        *(("PHONE", value) for value in ("+49 151 12345678", "+4915112345678", "0049 151 1234567", "(212) 555-0100")),
        *(
            ("PHONE", value)
            for value in ("212-555-0100", "212.555.0100x12", "030/12345678", "06 12 34 56 78", "020 7946 0958")
        ),
        *(("PHONE", value) for value in ("1-212-555-0100", "+1 212 555 0100", "001-490-155-3846")),
        *(
            ("CARD", value)
            for value in ("4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "6011111111111117")
        ),
        *(
            ("IBAN", value)
            for value in ("DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606")
        ),
        *(("SSN", value) for value in ("123-45-6789", "536-32-3065")),
        *(
            ("IP", value)
            for value in (
                "86.231.85.193",
                "192.168.1.10",
                "3b20:9a3a:1b2f:7ce:9ef1:4787:85fc:261e",
                "fe80::1ff:fe23:4567:890a",
            )
        ),
        *(
            ("MAC", value)
            for value in ("aa:bb:cc:dd:ee:ff", "00:1A:2B:3C:4D:5E", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e")
        ),
    ],
)
@pytest.mark.parametrize("around", ["{}", "x: {}.", "({}),", '["{}"]', "<{}>", "a {}\nb"])
def test_identifiers_are_found_whole(kind, value, around):
    assert kinds(around.format(value)) == [(kind, value)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Phone: 785 8949", "785 8949"),
        ("tel=5551234567", "5551234567"),
        ("call me at 415 555 2671", "415 555 2671"),
        ("61 51 81 (office)", "61 51 81"),
        ("my number is 555-0123", "555-0123"),
        ("call me at 20832054", "20832054"),
        ("tel. 918 184 918", "918 184 918"),
        ("Phone: 305.133.7374x3978", "305.133.7374x3978"),
        ("+49(0)4337 19773 12:30", "+49(0)4337 19773"),
        ("+44 20 7946 0958 2024-01-15 999", "+44 20 7946 0958"),
        ("(+358) 307590601", "(+358) 307590601"),
        ("+7 (872) 414-75-05", "+7 (872) 414-75-05"),
        ("0434.595.950", "0434.595.950"),
    ],
)
def test_numbers_that_their_words_or_their_form_call_telephone_numbers_are_found(text, number):
    assert kinds(text) == [("PHONE", number)]


@pytest.mark.parametrize(
    "text",
    [
        *("git@github.com:org/repo.git", "ssh://git@github.com/x", "user@host:~$ ls", "ssh bob@web1.example.com ls"),
        *("scp f.txt bob@web1.example.com:/var/www", "postgres://u:p@db.example.com/x", "X@w.T + Q@K.transpose(0, 1)"),
        *("@app.route('/x')", "react@18.2.0", "logo@2x.png", "https://medium.com/@jane", "@pytest.mark.slow"),
        *("numpy==1.26.4.1", "Chrome/120.0.0.0", "v10.50.30.2", "1.2.3.4", "127.0.0.1:8888 0.0.0.0 192.0.2.7"),
        *("10.0.0.0/8 255.255.255.0", "8.8.8.8", "a[::2] x[10::100] std::vector", "2001:db8::1 ::1", "12:30:45.123456"),
        *("2024-01-15T10:00:00+01:00", "01/02/2020 01.02.2020 12:30", "1700000000 1700000000000", "0.4532312107907949"),
        *("4.532312107907949e+15", "[4521 4512 4123 5121]", "4111111111111112", "$1,234,567.89", "1 234 567 phones"),
        *(
            "256 512 1024",
            "torch.Size([415, 555, 2671])",
            "34 (12) 1234-1245",
            "978-3-16-148410-0",
            "000-12-3456 900-12-3456",
        ),
        *(
            "e3b0c44298fc1c149afbf4c8996fb924",
            "550e8400-e29b-41d4-a716-446655440000",
            "00 48 65 6c 6c 6f",
            "01 02 03 04 05",
        ),
        *("ports 8000-8080, 443", "call 5000000 times", "text 1000000 rows", "mobile: 2023 2024", "100 000 home sales"),
        *("DE88370400440532013000", "arXiv:2301.12345", "+20 000 000 users", "x = +12345678", "212-555-0123-4567"),
        *("[[ 0.12345678 -1.2345678e+02]\n [10.50.30 4]]", "order 123456789", "ff:ff:ff:ff:ff:ff", "sha1:aa:bb"),
    ],
)
def test_what_notebooks_hold_is_not_personal(text):
    assert kinds(text) == []


@given(st.integers(min_value=10**6, max_value=10**18))
def test_one_check_digit_passes_luhn(number):
    assert [luhn(f"{number}{digit}") for digit in range(10)].count(True) == 1


@given(st.from_regex(r"[A-Z]{2}[0-9A-Z]{11,30}", fullmatch=True))
def test_one_pair_of_check_digits_passes_mod97(account):
    country, rest = account[:2], account[2:]
    passing = [check for check in range(2, 99) if mod97(f"{country}{check:02}{rest}")]
    digits = "".join(str(int(char, 36)) for char in f"{rest}{country}00")
    assert passing == [98 - int(digits) % 97]


def test_generated_cards_are_found_and_their_neighbours_are_not():
    rng = random.Random(7)
    for _ in range(200):
        stem = "4" + "".join(rng.choices("0123456789", k=14))
        digit = next(digit for digit in "0123456789" if luhn(stem + digit))
        wrong = str((int(digit) + 1) % 10)
        assert [kind for kind, _ in kinds(f"no. {stem}{digit}")] == ["CARD"]
        assert kinds(f"no. {stem}{wrong}") == []


def test_an_address_of_letters_alone_is_found_and_a_few_colons_are_not():
    assert [span.kind for span in find_identifiers("at aa:bb:cc:dd:ee:fa now")] == ["MAC"]
    assert find_identifiers("a: b: c: d") == []


def test_check_digits_count_in_either_case():
    assert mod97("gb82west12345698765432")
    assert not mod97("gb83west12345698765432")


WIDE = {ord(sign): chr(ord(sign) + 0xFEE0) for sign in map(chr, range(0x21, 0x7F))}
ARABIC = str.maketrans("0123456789", "".join(chr(0x660 + digit) for digit in range(10)))


@pytest.mark.parametrize(
    "signs",
    [{" ": "\u00a0"}, {" ": "\u202f"}, {"-": "\u2011", " ": "\u2009"}, WIDE, ARABIC],
    ids=["no-break", "narrow", "hyphen that does not break", "wide", "arabic digits"],
)
def test_numbers_are_found_however_their_blanks_and_digits_are_written(signs):
    plain = (
        "call +49 170 1234567 or +49 170 7654321, card 4111 1111 1111 1111 or 5500 0000 0000 0004, "
        "DE89 3704 0044 0532 0130 00, 86.231.85.193, ssn 123-45-6789"
    )
    written = plain.translate(str.maketrans(signs))
    found = find_identifiers(written)
    assert found == find_identifiers(plain)
    numbering, by_plain = Numbering(), Numbering()
    for span in found:
        given = numbering.stand_in_for(span.kind, written[span.start : span.end])
        assert given == by_plain.stand_in_for(span.kind, plain[span.start : span.end])
    assert len(numbering.pseudonyms().originals) == len(found) == 7
