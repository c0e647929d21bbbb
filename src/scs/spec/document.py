# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: MPL-2.0
"""Reading YAML into a tree that knows where everything was written.

PyYAML's own loaders follow YAML 1.1, in which `no` is false, 010 is eight and 10:30 is 630,
keep the last of two equal keys without a word, and expand references without a limit. So only
its parser is used: the tree is built here from its events, by the core schema of YAML 1.2,
within limits, and with complaints about everything that different programs read differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from scs.errors import BadInput, Problem
from scs.spec.wording import Loc, dotted, shorten

MAX_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_VALUES = 50_000
"""Keys and values of one file: a cloud of thousands of nodes is far below."""
MAX_DIGITS = 40

# Some builds of PyYAML come without libyaml; the parser in Python gives the same events.
PARSER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, order=True)
class Mark:
    """A place in the text; both count from 1."""

    line: int = 1
    column: int = 1


@dataclass
class Tree:
    """One value of the file: a scalar, a list or a mapping."""

    value: object = None
    """Of a scalar: text, number, truth value or None."""
    mark: Mark = Mark()
    text: str = ""
    """Of a scalar: as it was written."""
    plain: bool = False
    """Whether it is a scalar without quotes."""
    entries: dict[str, Tree] | None = None
    """Of a mapping."""
    keys: dict[str, Mark] = field(default_factory=dict)
    """Of a mapping: where the keys are."""
    items: list[Tree] | None = None
    """Of a list."""

    def data(self) -> Any:
        """The same without marks."""
        if self.entries is not None:
            return {key: entry.data() for key, entry in self.entries.items()}
        if self.items is not None:
            return [item.data() for item in self.items]
        return self.value

    def child(self, part: str | int) -> Tree | None:
        """The value of that key, or at that position."""
        if isinstance(part, str):
            return None if self.entries is None else self.entries.get(part)
        if self.items is None or not 0 <= part < len(self.items):
            return None
        return self.items[part]

    def find(self, loc: Loc) -> Tree | None:
        """What is written at the place, or None."""
        found: Tree | None = self
        for part in loc:
            found = None if found is None else found.child(part)
        return found

    def mark_of(self, loc: Loc) -> Mark:
        """Where the value is written, or else the nearest thing around it."""
        found = self
        for part in loc:
            following = found.child(part)
            if following is None:
                break
            found = following
        return found.mark

    def describe(self) -> str:
        """What it is, to follow the word "got"."""
        if self.entries is not None:
            return "a mapping"
        if self.items is not None:
            return "a list"
        if isinstance(self.value, str):
            return f'"{shorten(self.value)}"' if self.value else "an empty text"
        if self.value is None:
            return "nothing"
        kind = "truth value" if isinstance(self.value, bool) else "number"
        return f"the {kind} {shorten(self.text)}"


@dataclass(frozen=True)
class Complaint:
    """A problem and its place; several of them become one BadInput."""

    mark: Mark
    what: str
    hint: str = ""

    def problem(self, name: str) -> Problem:
        """The same for the file of that name."""
        return Problem(f"{name}:{self.mark.line}:{self.mark.column}", self.what, self.hint)


@dataclass
class Document:
    """A file that was read: its tree, and what is wrong although the tree could be built."""

    tree: Tree
    complaints: list[Complaint] = field(default_factory=list)
    spoiled: set[Loc] = field(default_factory=set)
    """Values that a complaint was already made about."""


class _UnreadableError(Exception):
    """The rest of the file can't be read."""

    def __init__(self, mark: Mark, what: str, hint: str) -> None:
        super().__init__(what)
        self.complaint = Complaint(mark, what, hint)


def read(raw: bytes, name: str) -> Document:
    """Read the bytes of a file; `name` is how errors call it.

    Raises BadInput when there is no making sense of it as YAML. Lesser complaints are in the
    document, to be told together with what else is wrong.
    """
    try:
        return _compose(_decoded(raw))
    except _UnreadableError as error:
        raise BadInput(error.complaint.problem(name)) from None


_UTF = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# Not only what YAML forbids: it takes the last three for ends of lines and editors don't.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\x85\u2028\u2029]"
)
_LINE_END = re.compile("\r\n|\r|\n")


def _mark_at(text: str, index: int) -> Mark:
    line, start = 1, 0
    for end in _LINE_END.finditer(text, 0, index):
        line, start = line + 1, end.end()
    return Mark(line, index - start + 1)


def _decoded(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise _UnreadableError(
            Mark(),
            f"expected at most {MAX_BYTES} bytes, got more",
            "is this the right file?",
        )
    for start, encoding in _UTF:
        if raw.startswith(start):
            raise _UnreadableError(
                Mark(), f"expected text in UTF-8, got {encoding}", "save the file as UTF-8"
            )
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        raise _UnreadableError(
            _mark_at(before, len(before)),
            f"expected text in UTF-8, got the byte 0x{raw[error.start]:02x}",
            "save the file as UTF-8",
        ) from None
    if found := _FORBIDDEN.search(text):
        raise _UnreadableError(
            _mark_at(text, found.start()),
            f"expected text, got the control character U+{ord(found[0]):04X}",
            "take it out; is this a text file?",
        )
    return text


# The parser's words → what probably happened.
_SYNTAX_HINTS = (
    ("mapping values are not allowed", "check the indentation; text with `: ` needs quotes"),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("could not find expected ':'", "write `key: value`, with a space after the colon"),
    ("':'", "put text with a colon in quotes"),
    ("expected ',' or", "a bracket is opened and never closed, or a comma is missing"),
    ("cannot start any token", "put text that starts with this character in quotes"),
    ("undefined alias", "references (`&`, `*`) are not supported: write the value out"),
    ("escape", "in double quotes, write a backslash twice"),
    ("hexdecimal", "in double quotes, write a backslash twice"),
    ("hexadecimal", "in double quotes, write a backslash twice"),
    ("<document start>", "everything belongs in one mapping, its keys on the left edge"),
)


def _syntax_error(error: yaml.YAMLError, text: str) -> _UnreadableError:
    raw_mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    mark = Mark() if raw_mark is None else Mark(raw_mark.line + 1, raw_mark.column + 1)
    problem = str(getattr(error, "problem", None) or "it can't be parsed")
    lines = _LINE_END.split(text)
    if mark.line > len(lines):  # where the text ends, for a parser that knows more line ends
        mark = Mark(len(lines), len(lines[-1]) + 1)
    line = lines[mark.line - 1]
    if "\t" in re.match(r"[\s-]*", line)[0]:  # type: ignore[index]  # matches always
        return _UnreadableError(
            Mark(mark.line, line.index("\t") + 1),
            "expected spaces before the first word, got a tab",
            "indent with spaces only",
        )
    hint = "check indentation, quotes and brackets here and on the line above"
    hint = next((better for words, better in _SYNTAX_HINTS if words in problem), hint)
    context = getattr(error, "context_mark", None)
    if context is not None and context.line + 1 != mark.line:
        problem += f" (it began on line {context.line + 1})"
    return _UnreadableError(mark, f"not valid YAML: {shorten(problem, 200)}", hint)


def _events(text: str) -> Iterator[yaml.Event]:
    mark = Mark()
    try:
        for event in yaml.parse(text, Loader=PARSER):
            mark = _mark(event)
            yield event
    except yaml.YAMLError as error:
        raise _syntax_error(error, text) from None
    except (ValueError, OverflowError):
        # The parser in Python lets `"\UFFFFFFFF"` fall through to chr().
        what = "not valid YAML: after this, an escape in double quotes is no character"
        raise _UnreadableError(mark, what, "write the backslash twice") from None


def _compose(text: str) -> Document:
    composer = _Composer(_events(text))
    return Document(composer.document(), composer.complaints, composer.spoiled)


_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# Numbers to some programs that read YAML, text or other numbers to others.
_AMBIGUOUS = (
    (re.compile(r"[-+]?0[0-9]+"), "some programs read it as octal"),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?"), "some programs read it as a number"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "some read it as minutes and seconds"),
    (re.compile(r"[-+]?0b[01]+"), "some programs read it as a binary number"),
)


class _Composer:
    """Builds one tree from events; complains and goes on where it can."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self.events = events
        self.values = 0
        self.complaints: list[Complaint] = []
        self.spoiled: set[Loc] = set()

    def document(self) -> Tree:
        """The tree of the only document; of an empty file, an empty mapping."""
        tree: Tree | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if tree is not None:
                    raise _UnreadableError(
                        _mark(event), "expected one document, got a second", "take `---` out"
                    )
                tree = self.tree(next(self.events), ())
        if tree is None or (tree.plain and tree.value is None):
            return Tree(entries={})
        return tree

    def complain(self, mark: Mark, loc: Loc, what: str, hint: str) -> None:
        """Note a problem of the value at `loc`, which needs no other complaint then."""
        self.complaints.append(Complaint(mark, f"{dotted(loc)}: {what}" if loc else what, hint))
        self.spoiled.add(loc)

    def tree(self, event: yaml.Event, loc: Loc) -> Tree:
        """The value that starts with the event."""
        mark = _mark(event)
        self.values += 1
        if self.values > MAX_VALUES:
            raise _UnreadableError(
                mark, f"expected at most {MAX_VALUES} keys and values", "is this the right file?"
            )
        if len(loc) > MAX_DEPTH:
            raise _UnreadableError(
                mark,
                f"expected at most {MAX_DEPTH} levels, got more",
                "nothing in this file is deeper than four levels",
            )
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            what = f"references (`{sign}{shorten(anchor)}`) are not supported"
            self.complain(mark, loc, what, "write the value out in each place")
        if tag is not None:
            what = f"tags (`{shorten(tag)}`) are not supported"
            self.complain(mark, loc, what, "leave it out; put text in quotes")
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(mark, loc)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Tree] = []
            while not isinstance(following := next(self.events), yaml.SequenceEndEvent):
                items.append(self.tree(following, (*loc, len(items))))
            return Tree(mark=mark, items=items)
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style
            value = self.scalar(event.value, mark, loc) if plain else event.value
            return Tree(value, mark, event.value, plain)
        return Tree(None, mark)  # an alias, complained about above

    def mapping(self, mark: Mark, loc: Loc) -> Tree:
        """A mapping whose first event is already read."""
        entries: dict[str, Tree] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key_mark = _mark(event)
            name = self.key(event, loc)
            if name in keys:
                before = keys[name]
                self.complaints.append(
                    Complaint(
                        key_mark,
                        f"{dotted((*loc, name))}: `{shorten(name)}` is here twice, "
                        f"first on line {before.line}",
                        "keep one of the two",
                    )
                )
                name = None
            # What stands at a key that can't be used is still read, for its own errors.
            value = self.tree(next(self.events), (*loc, "?" if name is None else name))
            if name is not None:
                entries[name], keys[name] = value, key_mark
        return Tree(mark=mark, entries=entries, keys=keys)

    def key(self, event: yaml.Event, loc: Loc) -> str | None:
        """The text of a key, or None after a complaint."""
        mark, before = _mark(event), len(self.complaints)
        tree = self.tree(event, (*loc, "?"))
        self.spoiled.discard((*loc, "?"))
        if len(self.complaints) > before:
            return None
        if tree.plain and tree.text == "<<":
            what, hint = "merge keys (`<<`) are not supported", "write the keys out"
        elif isinstance(tree.value, str):
            return tree.value
        elif tree.entries is not None or tree.items is not None:
            what = f"expected a word as key, got {tree.describe()}"
            hint = "text that starts with `{` or `[` needs quotes"
        elif tree.value is None:
            what, hint = "expected a word as key, got nothing", "write a key before the colon"
        else:
            what = f"expected a word as key, got {tree.describe()}"
            hint = f'in quotes it is a word: "{shorten(tree.text)}"'
        self.complaints.append(Complaint(mark, f"{dotted(loc)}: {what}" if loc else what, hint))
        return None

    def scalar(self, text: str, mark: Mark, loc: Loc) -> object:
        """What text without quotes means, by the core schema of YAML 1.2."""
        if text in _WORDS:
            return _WORDS[text]
        for pattern, reading in _AMBIGUOUS:
            if len(text) <= MAX_DIGITS and pattern.fullmatch(text):
                hint = f'as text, in quotes: "{text}"; as a number, in plain decimal digits'
                self.complain(mark, loc, f"{text} is ambiguous: {reading}", hint)
                return text
        if _NOT_FINITE.fullmatch(text):
            self.complain(mark, loc, f"expected a number, got {text}", "write a finite number")
            return text
        whole = _INT.fullmatch(text) is not None
        if not whole and _FLOAT.fullmatch(text) is None:
            return text
        value: int | float | None = None
        if len(text) <= MAX_DIGITS:
            value = int(text, 0) if whole else float(text)
        if value is None or value - value != 0:
            hint = f'as text, in quotes: "{shorten(text)}"'
            self.complain(mark, loc, f"{shorten(text)} is too large a number", hint)
            return text
        return value


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)
