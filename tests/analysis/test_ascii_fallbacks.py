from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.analysis.ascii_fallbacks import FALLBACKS, ascii_text, terminal_encoding
from inspector.tui.common.glyphs import ASCII, UNICODE


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain", "plain"),
        ("→ “café” …", '> "cafe" ~'),
        ("日本", "????"),
        ("e\u0301", "e"),
        ("👍", "??"),
        ("½", "1"),
    ],
)
def test_a_text_becomes_ascii_and_stays_as_wide(text: str, plain: str) -> None:
    assert ascii_text(text) == plain


@given(st.text())
def test_any_text_becomes_ascii(text: str) -> None:
    assert ascii_text(text).isascii()


def test_every_fallback_has_the_same_width() -> None:
    assert {c for c, clone in FALLBACKS.items() if cell_len(c) != len(clone)} == set()
    assert all(unicodedata.category(c) not in ("Mn", "Me", "Cf") for c in FALLBACKS)


def test_the_ascii_glyphs_are_ascii_and_each_as_wide_as_the_other() -> None:
    for name in UNICODE.__slots__:
        plain, usual = getattr(ASCII, name), getattr(UNICODE, name)

        assert plain.isascii(), name
        if name not in ("wave", "spinner", "silence"):
            assert len(plain) == cell_len(usual), name


@pytest.mark.parametrize(
    ("environment", "encoding"),
    [
        ({}, "utf-8"),
        ({"LANG": "C"}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "ascii"),
        ({"LANG": "en_US.ISO-8859-1", "LC_CTYPE": "C.UTF-8"}, "ascii"),
        ({"LANG": "en_GB.UTF-8", "LC_CTYPE": "C.UTF-8"}, "utf-8"),
        ({"LC_CTYPE": "C.UTF-8"}, "utf-8"),
        ({"LC_ALL": "POSIX", "LANG": "en_GB.UTF-8"}, "ascii"),
        ({"LC_ALL": "C", "PYTHONUTF8": "1"}, "utf-8"),
    ],
)
def test_the_locale_counts_even_if_python_ignores_it(
    environment: dict[str, str], encoding: str
) -> None:
    assert terminal_encoding("utf-8", environment, is_utf8_mode=True) == encoding


def test_the_encoding_that_python_chose_by_the_locale_is_kept() -> None:
    environment = {"LANG": "en_US.ISO-8859-1"}

    assert terminal_encoding("iso-8859-1", environment, is_utf8_mode=False) == "iso-8859-1"
