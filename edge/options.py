"""Configuration fields with help text and limits: each becomes a command-line option, and its value is checked."""

import argparse
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields
from typing import Any

from edge.errors import ConfigError


def option(default: Any, text: str, choices: Sequence[str | int] | None = None, **limits: Any) -> Any:
    """A dataclass field with its help text and limits.

    Args:
        default: the field's default.
        text: the help text.
        choices: the allowed values.
        limits: `low` and `high`, both inclusive (without `high`: no upper limit); `kind`, the type if the default is
            None; `older`, older flags that still work; `several`, whether the option may be given several times;
            `group`, its heading in the help.
    """
    return field(default=default, metadata={"help": text, "choices": choices, **limits})


def check(config: Any) -> None:
    """Check every field against its limits; a ConfigError names the first that breaks them."""
    for one in fields(config):
        _check(one, getattr(config, one.name))


def add_options(
    parser: argparse.ArgumentParser,
    config: type,
    defaults: Mapping[str, Any] | None = None,
    names: Collection[str] = (),
) -> None:
    """Add an option for each field made by `option` (or only for `names`); `defaults` override the fields' own."""
    groups: dict[str | None, Any] = {}
    for one in fields(config):
        if "help" not in one.metadata or (names and one.name not in names):
            continue
        group = one.metadata.get("group")
        if group and group not in groups:
            groups[group] = parser.add_argument_group(group)
        _add(groups.get(group, parser), one, (defaults or {}).get(one.name, one.default))


def _add(parser: Any, one: "Field[Any]", default: Any) -> None:
    assert default is not MISSING
    flags = ["--" + one.name.replace("_", "-"), *one.metadata.get("older", ())]
    text = one.metadata["help"]
    if one.metadata.get("several"):
        parser.add_argument(*flags, action="append", help=text)
    elif isinstance(default, bool):
        parser.add_argument(*flags, action=argparse.BooleanOptionalAction, default=default, help=text)
    else:
        kind = one.metadata.get("kind") or (str if default is None else type(default))
        parser.add_argument(*flags, type=kind, default=default, choices=one.metadata["choices"], help=text)


def _check(one: "Field[Any]", value: Any) -> None:
    limits, name = one.metadata, one.name
    if limits.get("choices") and value not in limits["choices"]:
        raise ConfigError(f"Expected {name} to be one of {', '.join(map(str, limits['choices']))}. Received: {value!r}")
    if one.type is str and not isinstance(value, str):
        raise ConfigError(f"Expected {name} to be a text. Received: {value!r}")
    if one.type is bool and not isinstance(value, bool):
        raise ConfigError(f"Expected {name} to be true or false. Received: {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"Expected {name} to be a finite number. Received: {value!r}")
    if "low" not in limits:
        return
    low, high = limits["low"], limits.get("high", math.inf)
    if not isinstance(value, int | float) or (one.type is int and int(value) != value):
        raise ConfigError(f"Expected {name} to be a number ({one.type}). Received: {value!r}")
    if not low <= value <= high:
        raise ConfigError(f"Expected {name} in [{low}, {high}]. Received: {value!r}")
