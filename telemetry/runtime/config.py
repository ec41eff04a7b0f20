"""Configuration: defaults, then ``e3p.toml``, then ``E3P_…`` variables, then flags, and where each came from.

Each part of the program owns a section, a frozen struct with defaults. Keys are ``field`` of the top level
(the section named "") or ``section.field``; ``E3P_FIELD`` and ``E3P_SECTION_FIELD`` in the environment.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from telemetry.contract.errors import UserError
from telemetry.contract.hiding import hide_secrets
from telemetry.contract.secret import Secret
from telemetry.contract.wording import nearest, wrong

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T", bound=msgspec.Struct)
Sections = Mapping[str, type[msgspec.Struct]]

PREFIX = "E3P_"
OTHERS = ("E3P_CONFIG", "E3P_SOCKET")
"""Variables of ours that are no settings of a section: the file to read, and where marks are sent to."""
OTHERS_PREFIX = "E3P_TEST_"


class Origin(NamedTuple):
    """Where a value came from: ``default``, ``e3p.toml``, ``E3P_MQTT``, ``--mqtt``."""

    place: str
    value: object


class Resolved(NamedTuple):
    """What is in force: a struct for each section, the place of each key, and what was odd."""

    values: dict[str, msgspec.Struct]
    origins: dict[str, str]
    warnings: tuple[str, ...]

    def section(self, name: str, kind: type[T]) -> T:
        """The values of a section, typed."""
        value = self.values[name]
        if not isinstance(value, kind):
            raise TypeError(f"section {name!r} holds {type(value).__name__}, not {kind.__name__}")
        return value

    def rows(self) -> Iterator[tuple[str, object, str]]:
        """(key, value, where it came from) of everything in force, as ``e3p config show`` prints it."""
        for key, place in self.origins.items():
            section, _, field = key.rpartition(".")
            value = getattr(self.values[section], field)
            shown = msgspec.to_builtins(value, enc_hook=str)
            yield key, hide_secrets(shown) if isinstance(shown, str) else shown, place


def resolve(
    sections: Sections,
    *,
    file: Path | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Resolved:
    """Lays the sources over each other. A flag of None was not given.

    Raises `UserError` for an unreadable file, an unknown key in it, or a value of a wrong type or range.
    """
    types = _types(sections)
    found: dict[str, Origin] = {}
    if file is not None:
        found.update(_from_file(file, types))
    from_env, warnings = _from_env(env or {}, types)
    found.update(from_env)
    for key, value in (flags or {}).items():
        if value is not None:
            _ = types[key]
            found[key] = Origin(f"--{key.rpartition('.')[2].replace('_', '-')}", value)
    values = {name: _section(name, kind, found) for name, kind in sections.items()}
    origins = {key: found[key].place if key in found else "default" for key in types}
    return Resolved(values, origins, tuple(warnings))


def _types(sections: Sections) -> dict[str, Any]:
    return {
        f"{name}.{field.encode_name}" if name else field.encode_name: field.type
        for name, kind in sections.items()
        for field in msgspec.structs.fields(kind)
    }


def _from_file(path: Path, types: Mapping[str, Any]) -> Iterator[tuple[str, Origin]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: no valid TOML: {error}") from None
    sections = {key.rpartition(".")[0] for key in types}
    for name, value in tables.items():
        entries = {name: value}
        if name in sections and isinstance(value, dict):
            entries = {f"{name}.{field}": item for field, item in value.items()}
        for key, item in entries.items():
            if key not in types:
                known = [*types, *filter(None, sections)]
                raise UserError(f"{path}: {key} is no setting; {nearest(key, known)}")
            yield key, Origin(str(path), item)


def _from_env(env: Mapping[str, str], types: Mapping[str, Any]) -> tuple[dict[str, Origin], list[str]]:
    names = {PREFIX + key.replace(".", "_").upper(): key for key in types}
    found: dict[str, Origin] = {}
    warnings = []
    for name in sorted(env):
        if name in names:
            found[names[name]] = Origin(name, env[name])
        elif name.startswith(PREFIX) and name not in OTHERS and not name.startswith(OTHERS_PREFIX):
            warnings.append(f"{name} is no setting of e3p; {nearest(name, list(names))}")
    return found, warnings


def _section(name: str, kind: type[msgspec.Struct], found: Mapping[str, Origin]) -> msgspec.Struct:
    given = {}
    for field in msgspec.structs.fields(kind):
        key = f"{name}.{field.encode_name}" if name else field.encode_name
        if key in found:
            given[field.name] = _value(key, field.type, found[key])
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        where = f"[{name}]" if name else "settings"
        raise UserError(f"{where}: {error}") from None


def _value(key: str, kind: Any, origin: Origin) -> object:  # noqa: ANN401 - a type as msgspec takes it
    """The value as its type; a variable's text is read as a number, a list or true where one is due."""
    value = origin.value
    loose = origin.place.startswith(PREFIX)
    if loose and isinstance(value, str) and _is_list(kind):
        value = [item.strip() for item in value.split(",") if item.strip()]
    try:
        return msgspec.convert(value, kind, strict=not loose, dec_hook=_custom)
    except (msgspec.ValidationError, ValueError) as error:
        shown = "the value" if _is_secret(kind) else repr(origin.value)
        found = wrong(error, kind)
        at = f" at {found.path}" if found.path else ""
        words = found.words if shown in found.words else f"{shown} is wrong: {found.words}"
        raise UserError(f"{key} ({origin.place}): {words}{at}") from None


def _custom(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"text expected, not {type(value).__name__}")


def _is_list(kind: object) -> bool:
    info = msgspec.inspect.type_info(kind)
    kinds = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    lists = (msgspec.inspect.ListType, msgspec.inspect.VarTupleType, msgspec.inspect.SetType)
    return any(isinstance(one, lists) for one in kinds)


def _is_secret(kind: object) -> bool:
    return "Secret" in str(kind)
