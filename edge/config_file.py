"""Options from a TOML file and from the environment.

The command line overrides the environment (EMOTION_EDGE_FPS=10), which overrides the file. Each option of `--help` is a
key of the file, with `_` for `-`; a section `[camera.NAME]` holds the source of a camera, and options of its own.
"""

import argparse
import difflib
import importlib
import json
import os
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from edge.address import HIDDEN, redact
from edge.command_line import CommandParser
from edge.config import PER_CAMERA
from edge.errors import ConfigError
from edge.names import camera_name

PREFIX = "EMOTION_EDGE_"
CONFIG_VARIABLE = "EMOTION_EDGE_CONFIG"
SECTION = "camera"
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
SECRET = ("snapshot_token",)
"""Never printed."""
WIDTH = 110

Options: TypeAlias = dict[str, Any]
Actions: TypeAlias = Mapping[str, argparse.Action]


@dataclass(frozen=True)
class Layer:
    """The options of one place (the file, the environment), and the place in words."""

    place: str
    options: Options


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--config`, which reads a file, and `--print-config`, which prints one."""
    parser.add_argument("--config", type=Path, help=f"read options from this TOML file (default: ${CONFIG_VARIABLE})")
    parser.add_argument("--print-config", action="store_true", help="print all options as a TOML file, and exit")


def read_arguments(parser: CommandParser, argv: Sequence[str] | None, only_here: Sequence[str]) -> argparse.Namespace:
    """Read all options: defaults, then file, environment and command line; each overrides the ones before it.

    Args:
        parser: the options of the command.
        argv: the command line; None is the process's own.
        only_here: options that make sense only on the command line.
    """
    typed = _given(parser, argv, "")
    skip = {"help", "config", "print_config", *only_here}
    actions = {action.dest: action for action in parser._actions if action.dest not in skip}
    path = typed.get("config") or os.environ.get(CONFIG_VARIABLE)
    file, cameras = parser.checked(lambda: _read_file(parser, actions, Path(path))) if path else ({}, {})
    environment = parser.checked(lambda: _from_environment(parser, actions))
    stronger = {**environment, **typed}
    options = {**vars(parser.parse_args([])), **file, **stronger}
    return argparse.Namespace(**options, camera_options=_still_valid(cameras, stronger))


def format_config(parser: argparse.ArgumentParser, arguments: argparse.Namespace, skip: Sequence[str]) -> str:
    """The options as a TOML file, those at their defaults as comments. Passwords are left out."""
    cameras = dict(_sections(arguments))
    values = {**vars(arguments), "source": [one for one in arguments.source or () if one not in cameras] or None}
    lines = []
    for action in parser._actions:
        if action.dest not in {"help", "config", "print_config", *skip}:
            value = values[action.dest]
            mark = "# " if value in (None, action.default) or action.dest in SECRET else ""
            shown = _toml("" if value is None or action.dest in SECRET else value)
            lines += [*_comment(action.help or ""), f"{mark}{action.dest} = {shown}", ""]
    return "\n".join([*lines, *cameras.values()])


def _sections(arguments: argparse.Namespace) -> Iterable[tuple[str, str]]:
    """Each source that has options of its own, as a section of the file."""
    for source in arguments.source or ():
        name, _, address = source.partition("=")
        if name in arguments.camera_options:
            options = {"source": address, **arguments.camera_options[name]}
            yield source, "\n".join([f"[{SECTION}.{_key(name)}]", *_pairs(options), ""])


def _pairs(options: Options) -> Iterable[str]:
    return (f"{key} = {_toml(value)}" for key, value in options.items())


def _given(parser: CommandParser, tokens: Sequence[str] | None, place: str) -> Options:
    """The options that these arguments set, without defaults, checked and converted by the parser."""
    blank = argparse.Namespace(**{action.dest: None for action in parser._actions})
    with parser.reading(place):
        options = vars(parser.parse_args(tokens, blank))
    return {name: value for name, value in options.items() if value is not None}


def _read_file(parser: CommandParser, actions: Actions, path: Path) -> tuple[Options, dict[str, Options]]:
    """The options of the file, and those of each camera."""
    table = _parse(path)
    sections = table.pop(SECTION, {})
    place = f"in {path}"
    options = _convert(parser, actions, table, place)
    if not isinstance(sections, dict) or not all(isinstance(section, dict) for section in sections.values()):
        raise ConfigError(f"Expected sections [{SECTION}.NAME] {place}. Received: no name")
    own = {name: actions[name] for name in ("source", *PER_CAMERA)}
    cameras = {}
    for name, section in sections.items():
        if camera_name(f"{name}=demo") != name:
            raise ConfigError(
                f"Expected a camera's name of letters, digits, spaces, . _ and -. Received: {redact(repr(name))}"
            )
        cameras[name] = _convert(parser, own, section, f"in [{SECTION}.{name}] of {path}")
        if len(cameras[name].get("source", ())) != 1:
            raise ConfigError(f"Expected one source in [{SECTION}.{name}] of {path}. Received: {section.get('source')}")
    named = [f"{name}={camera.pop('source')[0]}" for name, camera in cameras.items()]
    if named:
        options["source"] = [*options.get("source", []), *named]
    return options, cameras


def _parse(path: Path) -> dict[str, Any]:
    library = _library()
    try:
        table: dict[str, Any] = library.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"Expected a TOML file at {path}. Received: {error}") from error
    return table


def _library() -> Any:
    for name in ("tomllib", "tomli"):  # Python 3.10 has none of its own
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ConfigError("Expected a TOML library for --config: pip install tomli. Received: a Python without one")


def _from_environment(parser: CommandParser, actions: Actions) -> Options:
    """The options that variables set. Unknown variables with this prefix are ignored: orchestrators add their own."""
    options: Options = {}
    for name, action in actions.items():
        if text := os.environ.get(PREFIX + name.upper(), ""):
            value = text.split() if _is_list(action) else _switch(text) if action.nargs == 0 else text
            options |= _convert(parser, actions, {name: value}, f"in ${PREFIX}{name.upper()}")
    return options


def _convert(parser: CommandParser, actions: Actions, table: Mapping[str, Any], place: str) -> Options:
    """The table's values, checked and converted as if they came from the command line."""
    tokens: list[str] = []
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in actions:
            nearest = difflib.get_close_matches(name, actions, 1, 0.0)
            raise ConfigError(f"Expected the name of an option {place}; the nearest is {nearest[0]}. Received: {key}")
        tokens += _tokens(actions[name], name, value, place)
    return _given(parser, tokens, place)


def _tokens(action: argparse.Action, name: str, value: Any, place: str) -> Iterable[str]:
    flag, shown = action.option_strings[0], HIDDEN if name in SECRET else redact(repr(value))
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ConfigError(f"Expected true or false for {name} {place}. Received: {shown}")
        return [flag if value else action.option_strings[-1]]
    values = value if isinstance(value, list) and _is_list(action) else [value]
    if any(isinstance(one, list | dict | bool) for one in values):
        raise ConfigError(f"Expected a text or a number for {name} {place}. Received: {shown}")
    return [f"{flag}={one}" for one in values]


def _is_list(action: argparse.Action) -> bool:
    return isinstance(action, argparse._AppendAction)


def _switch(text: str) -> bool | str:
    return True if text.lower() in YES else False if text.lower() in NO else text


def _still_valid(cameras: Mapping[str, Options], stronger: Options) -> dict[str, Options]:
    """The file's options of single cameras, without those that the environment or the command line sets for all."""
    names = [source.partition("=")[0] for source in stronger.get("source", cameras)]
    return {
        name: {key: value for key, value in options.items() if key not in stronger}
        for name, options in cameras.items()
        if name in names
    }


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text.replace("%%", "%"), WIDTH)]


def _toml(value: Any) -> str:
    """A value as TOML writes it; of addresses without user and password."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(redact(str(value)), ensure_ascii=False).replace("\x7f", "\\u007f")
