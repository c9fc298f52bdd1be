"""What the documents say is so: generated pages are current, links lead somewhere, the changelog knows the version."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from generated_docs import PAGES

LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def pages(checkout: Path) -> list[Path]:
    return sorted([*checkout.glob("*.md"), *(checkout / "docs").rglob("*.md")])


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name: str, checkout: Path, write_golden: bool) -> None:
    path, text = checkout / "docs" / name, PAGES[name]()
    if write_golden:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "run `make docs`"


def test_every_link_of_every_page_leads_to_a_file(checkout: Path) -> None:
    links = [(page, link) for page in pages(checkout) for link in LINK.findall(page.read_text(encoding="utf-8"))]
    assert len(links) > 5
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_the_changelog_tells_what_this_version_brought(checkout: Path) -> None:
    assert f"## {version('stillwatch')}" in (checkout / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_decision_says_what_was_decided_why_and_at_what_price(checkout: Path) -> None:
    decisions = sorted((checkout / "docs" / "decisions").glob("[0-9]*.md"))
    assert len(decisions) >= 4
    numbers = [int(path.name[:4]) for path in decisions]
    assert len(set(numbers)) == len(numbers), "two decisions share a number"
    for path in decisions:
        headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings[:3] == ["Context", "Decision", "Price"], path.name


def test_make_lists_every_target_that_people_call(checkout: Path) -> None:
    text = (checkout / "Makefile").read_text(encoding="utf-8")
    phony = set(re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)[0].split())
    assert set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE)) == phony
