"""Telling apart files of the shape ``n m``, then lines ``i j w``: max-cut graphs and QUBOs."""

from __future__ import annotations

from pathlib import Path


def is_triples(head: str) -> bool:
    """Whether a text begins with ``n m`` and goes on with lines of three numbers ``i j w``."""
    # The last line of a head may be cut short.
    whole = head if head.endswith("\n") else head.rpartition("\n")[0] or head
    lines = [line.split() for line in whole.splitlines() if line.strip() and line[0] != "#"]
    if not lines or len(lines[0]) != 2 or not all(map(_is_whole, lines[0])):
        return False
    n = int(lines[0][0])
    return len(lines) > 1 and all(
        len(words) == 3
        and all(map(_is_whole, words[:2]))
        and max(int(words[0]), int(words[1])) <= n
        for words in lines[1:]
    )


def _is_whole(word: str) -> bool:
    """Whether a word is a whole number in plain digits; a raised 2 is a digit, but no number."""
    return word.isascii() and word.isdigit()


def is_qubo(path: Path, head: str) -> bool:
    """Whether a file of triples is a QUBO, by its name or by an entry on the diagonal."""
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if suffixes & {".sparse", ".qubo"}:
        return True
    if suffixes & {".mc", ".graph", ".rud", ".rudy"}:
        return False
    lines = (line.split() for line in head.splitlines()[1:])
    return any(len(words) == 3 and words[0] == words[1] for words in lines)


def stem(path: Path) -> str:
    """Name of an instance: its file name without ``.gz`` and the format's ending."""
    name = path.name.removesuffix(".gz")
    return name.rpartition(".")[0] or name
