"""A JSON file of results that grows entry by entry, and is continued where it was."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pag.cache import write_whole
from pag.errors import InputError

Entry = dict[str, Any]


class GrowingReport:
    """Entries in sections under one header; every addition is written at once.

    Args:
        path: of the JSON file; what is there is continued.
        header: all that results depend on, plain JSON: checkpoint, settings.
        sections: names of the lists of entries.
        key: what every entry has.
        about: written beside the header, and not compared.

    Attributes:
        sections: entries by section.

    Raises:
        InputError: the file is there but is no such report, or has another header.
    """

    def __init__(
        self,
        path: Path,
        header: Entry,
        sections: Sequence[str],
        key: str,
        about: Entry | None = None,
    ) -> None:
        self.path, self.header = path, header | (about or {})
        found = _read(path, sections, key)
        wanted = _plain(header)
        if found and (other := [name for name in wanted if found.get(name) != wanted[name]]):
            raise InputError(
                f"{path.name} holds results of other settings ({', '.join(other)}); "
                "expected the same ones, or another file"
            )
        self.sections: dict[str, list[Entry]] = {name: found.get(name, []) for name in sections}

    def add(self, section: str, entry: Entry, replacing: Entry | None = None) -> None:
        """Append `entry` to a section, in the place of `replacing` if given, and write the file."""
        entries = self.sections[section]
        entries[:] = [e for e in entries if e is not replacing] + [entry]
        self.write()

    def write(self, **more: Any) -> None:
        """Write the file whole."""
        write_report(self.path, self.header | self.sections | more)


def write_report(path: Path, content: Entry) -> None:
    """Write a JSON file whole, so that a kill leaves the old one or the new one."""
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


def first_entry(entries: Sequence[Entry], **wanted: Any) -> Entry | None:
    """The first entry with these values, or None."""
    same = (e for e in entries if all(e[key] == value for key, value in wanted.items()))
    return next(same, None)


def align(lines: Sequence[Sequence[str]]) -> str:
    """Cells as a table of text, to the right in their columns."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _read(path: Path, sections: Sequence[str], key: str) -> Entry:
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        entries = [entry for name in sections for entry in found[name]]
        if all(isinstance(entry, dict) and key in entry for entry in entries):
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise InputError(
        f"{path.name} is there and holds something else; expected results of this command, "
        "or no such file"
    )
