"""Pages for contributors: paths and links are valid, and every benchmark is described."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
BENCHES = ROOT / "tests" / "bench" / "README.md"
_PATH = re.compile(r"(?:inspector|tests|themes|sessions|\.github|\.ci)/[\w./-]*[\w/]")
_LINK = re.compile(r"\]\(([^)#]+)\)")


def paths_in(page: Path) -> list[str]:
    return sorted(set(_PATH.findall(page.read_text("utf-8"))))


@pytest.mark.parametrize("path", [p for p in paths_in(CONTRIBUTING) if "NAME" not in p])
def test_a_path_in_the_contributors_page_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("page", [CONTRIBUTING, BENCHES, ROOT / "README.md"], ids=lambda p: p.name)
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text("utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_bench_is_described() -> None:
    scripts = {path.name for path in BENCHES.parent.glob("*.py")}

    assert {name for name in scripts if name not in BENCHES.read_text("utf-8")} == set()
