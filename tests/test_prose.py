"""Tests of the English of the pages: short sentences, plain words, and only defined terms."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_WORDS = 30
MOST_WORDS_IN_ALL = 20_000
BANNED = {
    "told": "say who reports what: the log reports, the message names",
    "held(?!-out| out)": "kept, fixed, held-out",
    "begun": "started",
    "anew": "again",
    "unasked": "by default",
    "upon": "on",
    "beside": "next to, together with, compared with",
    "(?:go|goes|gone|went) on": "continue, resume",
    "taken up": "resumed",
    "so many": "the number",
    "eff": "expected loss",
    "thereof": "of it",
}
"""Words that the pages do not use, as regular expressions, and what to write instead."""


def blocks_of(text):
    """Return paragraphs, headings, list items and cells as plain text, without code and addresses."""
    text = re.sub(r"^(`{3,}|~{3,}).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"(?s:<!--.*?-->)|^ {4,}\S.*$|^:.*$|<[^>]+>", "", text, flags=re.MULTILINE)
    text = re.sub(r"`+[^`]+`+", "Code", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"^\s*(?:[-*]|\d+\.|#+) ", "\n\n", text, flags=re.MULTILINE)
    text = re.sub(r"^\|.*$", lambda row: row[0].replace("|", "\n\n"), text, flags=re.MULTILINE)
    text = re.sub(r"\b(et al|e\.g|i\.e|vs)\.", r"\1", text)
    return [" ".join(block.split()) for block in re.split(r"\n\s*\n", text) if block.strip()]


def sentences_of(text):
    """Return the sentences of a page."""
    return [sentence for block in blocks_of(text) for sentence in re.split(r"(?<=[.?!])[\")*]*\s+", block)]


def words_of(sentence):
    """Return the words and numbers of a sentence, without the signs between them."""
    return re.findall(r"\w[\w.,'’/-]*", sentence)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sentences_are_short(page):
    """A sentence has at most 30 words and one semicolon."""
    sentences = sentences_of(page.read_text("utf-8"))
    assert not [sentence for sentence in sentences if len(words_of(sentence)) > MOST_WORDS]
    assert not [sentence for sentence in sentences if sentence.count(";") > 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_words_are_plain(page):
    """The pages use no word that has a plainer substitute."""
    text = "\n".join(blocks_of(page.read_text("utf-8")))
    used = {word: cure for word, cure in BANNED.items() if re.search(rf"\b{word}\b", text, re.IGNORECASE)}
    assert not used


def test_terms_of_the_glossary_are_used():
    """Every term of the glossary is used on another page, and the terms are in alphabetical order."""
    terms = re.findall(r"^- \*\*(.+?)\*\*", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    pages = "\n".join(" ".join(blocks_of(page.read_text("utf-8"))) for page in PAGES if page != GLOSSARY).lower()
    assert len(terms) > 20 and terms == sorted(terms, key=str.lower)
    assert not [term for term in terms if term.lower() not in pages]


def test_pages_stay_few():
    """The README and the pages of the site together do not exceed a number of words."""
    pages = [page for page in PAGES if page.name != "CONTRIBUTING.md"]
    assert sum(len(page.read_text("utf-8").split()) for page in pages) <= MOST_WORDS_IN_ALL


def test_pages_are_taken_apart():
    """Code and addresses are left out, cells and list items are separate, and abbreviations end no sentence."""
    text = "# Title\n\nOne `a; b; c`. Two [is a](link.md)!\n\n```python\nx = 1; y = 2\n```\n\n"
    text += "| a | b |\n\n- Luo et al. found it.\n"
    assert blocks_of(text) == ["Title", "One Code. Two is a!", "a", "b", "Luo et al found it."]
    assert sentences_of(text) == ["Title", "One Code.", "Two is a!", "a", "b", "Luo et al found it."]
    assert len(words_of("It is 1 / (1 + a d^2b), or .97.")) == 9
