"""Sections by name, run in turn; what an interrupted run has tried is not tried again."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from time import monotonic

from chaos.finding import Finding
from chaos.keeping import BUILT, PUBLISHED, ROOT, forget, keep, kept, publish
from chaos.options import Options, Say, parse

Section = Callable[[Options, Say], list[Finding]]
#: Modules by the names of their sections, the longest ones first.
SECTIONS = {
    "paid-once": "paid_once",
    "no-key": "no_key",
    "budget": "budget",
    "stalls": "stalls",
    "rush": "rush",
    "trust": "trust",
    "fallback": "fallback",
    "breaker": "breaker",
    "simulation": "simulation",
    "fan-out": "fan_out",
    "durable": "durable",
}


def main(arguments: Sequence[str]) -> int:
    """Try promises by name, all of them if none is named; 1 if one is broken."""
    names, options = parse(arguments, list(SECTIONS))
    chosen = names or list(SECTIONS)
    load = os.getloadavg()[0]
    if options.fresh:
        forget(chosen, options)
    sections = {name: run(name, options, again=bool(names)) for name in chosen}
    broken = [found for of in sections.values() for found in of if found.passed is False]
    whole = not names and not options.quick and not options.database
    page = publish(sections, PUBLISHED if whole else BUILT / "results", load)
    if not names:
        forget(chosen, options)
    print(f"\nwritten to {page.relative_to(ROOT)}; {len(broken)} broken", flush=True)
    return 1 if broken else 0


def run(name: str, options: Options, *, again: bool = False) -> list[Finding]:
    """Run a section and say what came out, or what an interrupted run found."""
    print(f"\n== {name}", flush=True)
    found = None if again else kept(name, options)
    if found is None:
        try:
            found = section(name)(options, _say)
        except Exception as error:  # noqa: BLE001  one section's fault must not end the others
            traceback.print_exc()
            told = f"{type(error).__name__}: {error}"
            found = [Finding(name, "it can be tried", told, "once", passed=False)]
        else:
            keep(name, options, found)
    for finding in found:
        print(f"  {finding.line()}", flush=True)
    return found


def section(name: str) -> Section:
    """A section by name, which says for itself how long it took if its findings do not."""
    main_of: Section = import_module(f"chaos.{SECTIONS[name]}").main

    def timed(options: Options, say: Say) -> list[Finding]:
        began = monotonic()
        found = main_of(options, say)
        seconds = monotonic() - began
        return [each if each.seconds else replace(each, seconds=seconds) for each in found]

    return timed


def _say(line: str) -> None:
    print(f"  … {line}", flush=True)
