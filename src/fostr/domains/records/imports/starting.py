"""Begin imports: into a recordset that is made for the file, or into one that there is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from fostr.domains.records.fields.shaping import FieldReadOnly
from fostr.domains.records.imports import repository, schemas, uploads
from fostr.domains.records.imports.conversion import Mapping
from fostr.domains.records.imports.interpretation import Style
from fostr.domains.records.imports.loading import write_mappings
from fostr.domains.records.imports.merging.rules import Merging, check_merging
from fostr.domains.records.imports.readers.opening import ReadingOptions
from fostr.domains.records.imports.settling import IMPORT_JOB
from fostr.domains.records.imports.trying import trial
from fostr.domains.records.recordsets.schemas import FieldCreate, MapSettings, RecordsetCreate, RecordsetSettings
from fostr.domains.records.recordsets.service import create_recordset
from fostr.kernel.http.errors import Forbidden, Unprocessable
from fostr.kernel.ids import new_id
from fostr.kernel.jobs.dispatch import dispatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fostr.domains.records.imports.merging.rules import MergeRule
    from fostr.domains.records.imports.repository import UploadedFile
    from fostr.domains.records.imports.schemas import FileAnalysis, FileColumn
    from fostr.domains.records.recordsets.reach import Reached
    from fostr.kernel.http.context import Context

_NUMBERS: Final = frozenset({"number"})


class ColumnUnknown(Unprocessable):
    """The file has no column of that name."""

    code = "column_unknown"
    detail = "The file has no such column."


class ColumnTwice(Unprocessable):
    """A column, or a field, is mapped twice."""

    code = "mapping_duplicate"
    detail = "A column or a field is named twice."


class FieldNotMappable(Unprocessable):
    """A column is mapped onto a field that is not there."""

    code = "field_unknown"
    detail = "There is no such field."


class RequiredFieldUnmapped(Unprocessable):
    """No column goes into a field that every record must have."""

    code = "required_field_unmapped"
    detail = "A required field gets no column; every row would be refused."


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A column, and what is wanted of it."""

    column: FileColumn
    wanted: schemas.ImportField


async def start_new(context: Context, data: schemas.ImportCreate) -> schemas.ImportStarted:
    """Make a recordset of a file's columns, and dispatch the job that imports its rows.

    Raises:
        Forbidden: the caller may not make recordsets.
        ColumnUnknown, ColumnTwice: the fields do not fit the file.
        FieldNotMappable: nobody writes values of a field's type.
    """
    if not context.access.has("can_create_recordset"):
        raise Forbidden(permission="can_create_recordset")
    file = await uploads.get_file(context, data.file_uri)
    analysis = await uploads.ensure_analysis(context, file, reading_options(data.options))
    chosen = _choose(analysis, data.fields)
    wanted = _define(file, chosen, data)
    reached = await (_try_recordset if data.dry_run else create_recordset)(context, data=wanted)
    keys = [field.key for field in reached.recordset.fields]
    for key in keys:
        if key in reached.recordset.unwritten:
            raise FieldNotMappable("Values of this type are computed; no column can go into them.", field=key)
    mappings = [
        Mapping(entry.column.index, key, _style(entry.column, entry.wanted.decimal, entry.wanted.date_order))
        for entry, key in zip(chosen, keys, strict=True)
    ]
    begin = _Beginning(file, analysis, mappings, draft=wanted if data.dry_run else None, is_dry_run=data.dry_run)
    return await _start(reached, begin, makes_recordset=True)


async def _try_recordset(context: Context, *, data: RecordsetCreate) -> Reached:
    """Return the recordset that would be made; nothing of it stays. It raises what `create_recordset` raises."""
    async with trial(context.unit):
        return await create_recordset(context, data=data)


def reading_options(options: schemas.ReadOptions) -> ReadingOptions:
    """Return options as readers take them."""
    return ReadingOptions(**options.model_dump())


def _choose(analysis: FileAnalysis, fields: Sequence[schemas.ImportField] | None) -> list[_Chosen]:
    if fields is None:
        return [_Chosen(column, schemas.ImportField(column=column.name)) for column in analysis.columns]
    by_name = {column.name: column for column in analysis.columns}
    chosen: list[_Chosen] = []
    for wanted in fields:
        column = by_name.pop(wanted.column, None)
        if column is None:
            known = any(entry.column.name == wanted.column for entry in chosen)
            raise ColumnTwice(column=wanted.column) if known else ColumnUnknown(column=wanted.column)
        chosen.append(_Chosen(column, wanted))
    return chosen


def _define(file: UploadedFile, chosen: list[_Chosen], data: schemas.ImportCreate) -> RecordsetCreate:
    fields = [_define_field(entry) for entry in chosen]
    settings = data.settings
    if settings.map is None and (places := _find_places(chosen, fields)) is not None:
        settings = RecordsetSettings(title_field=settings.title_field, map=places)
    return RecordsetCreate(
        name=data.name or PurePath(file.filename).stem[:200].strip() or "Import",
        slug=data.slug,
        description=data.description,
        type=data.type,
        mode=data.mode or ("table" if settings.map is None else "map"),
        icon=data.icon,
        color=data.color,
        fields=fields,
        settings=settings,
    )


def _define_field(entry: _Chosen) -> FieldCreate:
    column, wanted = entry.column, entry.wanted
    return FieldCreate(
        name=wanted.name or column.name,
        key=wanted.key or column.key,
        type=wanted.type or column.type,
        is_required=wanted.is_required,
        options=wanted.options,
        hidden_from=wanted.hidden_from,
        read_only_for=wanted.read_only_for,
        # Who looks for a place asks by a box, which has an index of its own.
        is_promoted=False if wanted.is_promoted is None and column.role else wanted.is_promoted,
    )


def _find_places(chosen: list[_Chosen], fields: list[FieldCreate]) -> MapSettings | None:
    """Return the fields that say where a record lies, as far as the file tells and everybody may know."""
    shown = [(entry.column, field) for entry, field in zip(chosen, fields, strict=True) if not field.hidden_from]
    roles = {column.role: field.key for column, field in shown if column.role and field.type in _NUMBERS}
    if {"lat", "lng"} <= roles.keys():
        return MapSettings(lat_field=roles["lat"], lng_field=roles["lng"])
    geometry = next((field.key for _, field in shown if field.type == "geometry"), None)
    return None if geometry is None else MapSettings(geometry_field=geometry)


def _style(column: FileColumn, decimal: schemas.DecimalSign | None, date_order: schemas.DateOrder | None) -> Style:
    return Style(decimal=decimal or column.decimal, date_order=date_order or column.date_order)


async def start_into(reached: Reached, data: schemas.ImportInto) -> schemas.ImportStarted:
    """Dispatch the job that imports a file's rows into a recordset that there is.

    Raises:
        ColumnUnknown, ColumnTwice, FieldNotMappable, RequiredFieldUnmapped: the mappings do not fit.
        FieldReadOnly: the caller may not change a field, or nobody may.
        MatchInvalid, MergeRuleInvalid: rows cannot meet records in this way.
    """
    context = reached.context
    file = await uploads.get_file(context, data.file_uri)
    analysis = await uploads.ensure_analysis(context, file, reading_options(data.options))
    by_name = {column.name: column for column in analysis.columns}
    mappings: list[Mapping] = []
    rules: dict[str, MergeRule] = {}
    for name, given in data.field_mappings.items():
        wanted = given if isinstance(given, schemas.FieldMapping) else schemas.FieldMapping(field=given)
        if name not in by_name:
            raise ColumnUnknown(column=name)
        column = by_name[name]
        style = _style(column, wanted.decimal, wanted.date_order)
        mappings.append(Mapping(column.index, wanted.field, style, wanted.when_unknown))
        if wanted.merge is not None:
            rules[wanted.field] = wanted.merge
    merging = Merging(tuple(data.match_on), data.when_matched, data.when_unmatched, rules)
    _check_fields(reached, [mapping.field for mapping in mappings], merging)
    begin = _Beginning(file, analysis, mappings, merging=merging, is_dry_run=data.dry_run)
    return await _start(reached, begin, makes_recordset=False)


def _check_fields(reached: Reached, keys: Sequence[str], merging: Merging) -> None:
    known = reached.recordset.by_key
    # By a field that nobody may write, rows can still find the records that they change.
    only_matched = merging.match_on if merging.when_unmatched == "skip" else ()
    for key in keys:
        if key not in known or key in reached.mask.hidden:
            raise FieldNotMappable(field=key)
        if key in reached.mask.read_only - {*only_matched}:
            raise FieldReadOnly(field=key)
    if len(set(keys)) < len(keys):
        raise ColumnTwice(field=next(key for key in keys if keys.count(key) > 1))
    check_merging(reached, merging, mapped=keys)
    if merging.when_unmatched == "skip":
        return
    for field in reached.recordset.fields:
        if field.is_required and field.key not in keys:
            raise RequiredFieldUnmapped(field=field.key)


@dataclass(frozen=True, slots=True)
class _Beginning:
    """An import that is about to be noted.

    Attributes:
        draft: the recordset that a dry run would make.
    """

    file: UploadedFile
    analysis: FileAnalysis
    mappings: list[Mapping]
    merging: Merging | None = None
    draft: RecordsetCreate | None = None
    is_dry_run: bool = False


async def _start(reached: Reached, begin: _Beginning, *, makes_recordset: bool) -> schemas.ImportStarted:
    context, recordset, import_id = reached.context, reached.recordset, new_id()
    file, analysis, merging = begin.file, begin.analysis, begin.merging
    job_id = await dispatch(
        context.unit,
        IMPORT_JOB,
        {"import_id": str(import_id)},
        workspace=context.workspace_id,
        created_by=context.member_id,
        acting_as=context.principal.acting_as,
    )
    principal = context.principal
    await repository.create_import(
        context.unit,
        import_id,
        job_id=job_id,
        recordset_id=None if begin.draft else recordset.id,
        file_id=file.id,
        file_key=file.key,
        filename=file.filename,
        source=analysis.source.model_dump(),
        names=[column.name for column in analysis.columns],
        mappings=write_mappings(begin.mappings),
        merging=merging.as_document() if merging and merging.match_on else None,
        draft=begin.draft and begin.draft.model_dump(mode="json"),
        is_dry_run=begin.is_dry_run,
        actor={
            "user_id": str(principal.user_id),
            "acting_as": str(principal.acting_as) if principal.acting_as else None,
        },
        created_by=context.member_id,
        makes_recordset=makes_recordset,
        total_rows=analysis.total_rows,
        now=context.now,
    )
    base = f"/api/v1/import/jobs/{job_id}"
    return schemas.ImportStarted(
        job_id=job_id,
        import_id=import_id,
        is_dry_run=begin.is_dry_run,
        recordset_id=None if begin.draft else recordset.id,
        recordset_slug=None if begin.draft else recordset.slug,
        status="queued",
        total_rows=analysis.total_rows,
        stream_url=f"{base}/stream",
        status_url=base,
    )
