# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Filling in templates, in such a way that each option's line of origin is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from pickle import PickleError

import jinja2
from jinja2.bccache import Bucket
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from scs.errors import BadInput, Problem
from scs.plan import ini

_OPTION = re.compile(r"^(?=[A-Za-z_][\w.-]*[ \t]*=)", re.MULTILINE)


class Marking(Extension):
    """Puts a mark with the template's line before each option, for `ini.compose`."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        name = (stream.name or "").rpartition("/")[2] if _shipped(stream.name) else stream.name
        for token in stream:
            if token.type != "data":
                yield token
                continue
            value, line = token.value, token.lineno

            def marked(match: re.Match[str], value: str = value, line: int = line) -> str:
                return ini.mark(f"{name}:{line + value.count(chr(10), 0, match.start())}")

            yield Token(line, "data", _OPTION.sub(marked, value))


def _shipped(name: str | None) -> bool:
    return not (name or "").startswith("templates/")


class Kept(jinja2.FileSystemBytecodeCache):
    """Compiled templates in a folder; one that can't be read or kept is compiled again."""

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, PickleError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


@lru_cache
def environment(
    folders: tuple[str, ...], own: tuple[tuple[str, str], ...] = (), compiled: str = ""
) -> jinja2.Environment:
    """Templates from these folders and own ones (path and text).

    `compiled` is the folder where the former are kept compiled; empty: nowhere.
    """
    return jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.DictLoader(dict(own)), jinja2.FileSystemLoader(folders)]
        ),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=Kept(compiled) if compiled and not own else None,
        auto_reload=False,  # a command is over before anybody has edited a template
        autoescape=False,  # noqa: S701 - the files are configuration, not HTML
        extensions=[Marking],
    )


def check(path: str, text: str) -> Problem | None:
    """What is wrong with the form of a template."""
    try:
        environment(()).parse(text, path, path)
    except jinja2.TemplateSyntaxError as error:
        return Problem(f"{path}:{error.lineno}", f"is no template: {error.message}", "see Jinja2")
    return None


def fill_in(fill: Callable[[], str], component: str, template: str, own: str | None) -> str:
    """Run `fill`; errors name the component's template, or the operator's own with its line."""
    try:
        return fill()
    except (jinja2.TemplateError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        what = f"cannot be filled in: {error}"
        if own is None:
            raise BadInput(Problem(f"component {component}", f"{template} {what}")) from error
        line = getattr(error, "lineno", None) or _line(error, own)
        hint = f"compare it with the template {template} of component {component}"
        raise BadInput(Problem(f"{own}:{line}" if line else own, what, hint)) from error


def _line(error: BaseException, name: str) -> int | None:
    """The line of a template at which it stopped: Jinja2 puts it into the traceback."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in (name, "<template>"):
            found = trace.tb_lineno
        trace = trace.tb_next
    return found
