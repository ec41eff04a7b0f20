"""Structs as Parquet and back: a column for each field, of the field's own type."""

from __future__ import annotations

import json
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import pyarrow as pa
from pyarrow import parquet

from telemetry.contract.documents import BudgetLine, Latency
from telemetry.contract.errors import UserError

T = TypeVar("T", bound=msgspec.Struct)

LATENCY = pa.struct([(name, pa.float64()) for name in ("p50", "p95", "p99")])
BUDGET = pa.list_(
    pa.struct([("name", pa.string()), ("u_j", pa.float64()), ("shared", pa.bool_()), ("how", pa.string())])
)
PLAIN: dict[object, pa.DataType] = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}


def columns_of(kind: type[msgspec.Struct]) -> dict[str, pa.DataType]:
    """The column of each field: numbers, words and lists of words as they are, anything else as JSON text."""
    hints = get_type_hints(kind)
    return {name: _column(hints[name]) for name in kind.__struct_fields__}


def _column(hint: object) -> pa.DataType:
    options = [each for each in get_args(hint) if each is not type(None)]
    if get_origin(hint) in (Union, types.UnionType) and len(options) == 1:
        return _column(options[0])
    if get_origin(hint) is Literal:
        return pa.string()
    if hint is Latency:
        return LATENCY
    if get_origin(hint) is tuple and options[0] is BudgetLine:
        return BUDGET
    if get_origin(hint) is tuple and (options[0] is str or get_origin(options[0]) is Literal):
        return pa.list_(pa.string())
    return PLAIN.get(hint, pa.string())


def write_structs(
    file: Path, kind: type[T], rows: Sequence[T], **more: tuple[pa.DataType, Sequence[object]]
) -> None:
    """Writes structs, one a row; `more` are columns beside the fields: a type, and a value for each row."""
    columns = columns_of(kind)
    made = [_row(row, columns) for row in rows]
    arrays = {name: pa.array([row[name] for row in made], kept) for name, kept in columns.items()}
    arrays |= {name: pa.array(values, kept) for name, (kept, values) in more.items()}
    write_table(file, pa.table(arrays))


def write_table(file: Path, table: pa.Table) -> None:
    """Writes a table, compressed. Raises `UserError` where the file cannot be written."""
    try:
        parquet.write_table(table, file, compression="zstd")
    except OSError as error:
        raise UserError(f"{file}: {error.strerror or error}: name a folder that can be written") from None


def read_structs(file: Path, kind: type[T]) -> list[T]:
    """Reads what `write_structs` wrote: the same structs, number for number."""
    columns = columns_of(kind)
    return [
        msgspec.convert(_back(row, columns, get_type_hints(kind)), kind)
        for row in parquet.read_table(file, columns=list(columns)).to_pylist()
    ]


def _row(row: msgspec.Struct, columns: dict[str, pa.DataType]) -> dict[str, Any]:
    return {name: _cell(getattr(row, name), kept) for name, kept in columns.items()}


def _cell(value: object, kept: pa.DataType) -> object:
    """A value as its column takes it: JSON where that is text and the value is none."""
    if isinstance(value, BudgetLine | Latency):
        return msgspec.structs.asdict(value)
    if isinstance(value, tuple) and kept == BUDGET:
        return [msgspec.structs.asdict(each) for each in value]
    if value is not None and kept == pa.string() and not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    return value


def _back(row: dict[str, Any], columns: dict[str, pa.DataType], hints: dict[str, Any]) -> dict[str, Any]:
    """A row as a struct takes it: JSON is read again, and null stays only where a field may be null."""
    return {
        name: json.loads(value)
        if value and columns[name] == pa.string() and not _is_word(hints[name])
        else value
        for name, value in row.items()
        if value is not None or type(None) in get_args(hints[name])
    }


def _is_word(hint: object) -> bool:
    options = [each for each in get_args(hint) if each is not type(None)]
    if get_origin(hint) in (Union, types.UnionType):
        return all(_is_word(each) for each in options)
    return hint is str or get_origin(hint) is Literal
