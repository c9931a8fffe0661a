"""What is shipped of other people's sessions is small, and holds nothing that is somebody's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import CORPUS

SECRET = re.compile(
    rb"\b(?:sk|ek|rk)[-_][A-Za-z0-9]{8}|Bearer |api[-_]key|org-[A-Za-z0-9]{8}|proj_[A-Za-z0-9]{8}"
    rb"|[\w.]+@[\w-]+\.\w{2,}|\b\d{1,3}(?:\.\d{1,3}){3}\b|client_secret\":\{\"value"
)
MOST_BYTES = 40_000
FILES = [path for path in sorted(CORPUS.iterdir()) if path.suffix in (".jsonl", ".wav")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_recording_of_the_corpus_is_small_and_holds_no_secret(path: Path) -> None:
    data = path.read_bytes()

    assert len(data) <= MOST_BYTES
    assert SECRET.search(data) is None


def test_the_readme_names_every_recording() -> None:
    told = (CORPUS / "README.md").read_text()

    assert [
        path.name for path in FILES if f"`{path.name.removesuffix('.jsonl')}`" not in told
    ] == []
