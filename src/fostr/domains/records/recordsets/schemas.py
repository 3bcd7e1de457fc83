"""Shapes of recordsets and their fields in the API."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from fostr.domains.records.fields.links import RollupFunction
from fostr.domains.records.fields.types import TypeName
from fostr.domains.records.formulas.reading import LONGEST as LONGEST_FORMULA

Mode = Literal["table", "map"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)]
Mark = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
FieldKey = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
RoleKey = Annotated[str, StringConstraints(min_length=1, max_length=63)]
RoleKeys = Annotated[list[RoleKey], Field(max_length=50)]
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]
Provenance = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
Choice = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]

HIDDEN_FROM: Final = "Roles that may not know the field's values. Owners always may."
READ_ONLY_FOR: Final = "Roles that may see the field's values and not change them."
EXAMPLE_FIELDS: Final[list[JsonValue]] = [
    {"name": "Name", "type": "text", "is_required": True},
    {"name": "State", "type": "select", "options": {"choices": ["CA", "NY", "TX"]}},
    {"name": "Latitude", "type": "number"},
    {"name": "Longitude", "type": "number"},
    {"name": "Landing fee", "type": "currency", "options": {"currency": "USD"}, "hidden_from": ["viewer"]},
]


def _option(description: str, **limits: Any) -> Any:
    return Field(default=None, exclude_if=_is_unset, description=description, **limits)


def _is_unset(value: object) -> bool:
    return value is None


class FieldOptions(BaseModel):
    """What a field's type leaves open. Those that a type does not know are refused, and those not set are left out."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    choices: list[Choice] | None = _option(
        "For `select` and `multi_select`: the values that there are.", max_length=1000
    )
    colors: dict[Choice, Color] | None = _option(
        "For `select` and `multi_select`: the colours of choices, as `#rrggbb`.", max_length=1000
    )
    currency: str | None = _option("For `currency`: the ISO 4217 code.", pattern=r"^[A-Z]{3}$")
    decimals: int | None = _option(
        "For `number`, `currency` and `percent`: the digits that are shown after the point; all are kept.", ge=0, le=10
    )
    min: float | None = _option("For numbers and `duration`: the least value.")
    max: float | None = _option(
        "For numbers and `duration`: the largest value; for `rating`: the best, from 1 to 10, and 5 unless it is said."
    )
    max_length: int | None = _option("For `text` and `long_text`: the most characters.", ge=1, le=10_000)
    time_zone: str | None = _option(
        "For moments: the zone (IANA) in which they are shown, and in which texts without a zone are read; UTC unless "
        "it is said.",
        max_length=64,
    )
    multiple: bool | None = _option(
        "For `member`: whether a value may name several. For `link`: the same of records; they may unless it is said."
    )
    recordset: str | None = _option(
        "For `link`: the recordset whose records it names, by id or slug; its own unless it is said. For `backlink`: "
        "the one whose link it shows from the other side.",
        min_length=1,
        max_length=100,
    )
    on_delete: Literal["restrict", "clear", "cascade"] | None = _option(
        "For `link`: what becomes of the link when a record that it names is deleted. `restrict` refuses that, `clear` "
        "takes the name away, `cascade` deletes the record that has the link as well; `clear` unless it is said."
    )
    inverse: Name | None = _option(
        "For a new `link`: adds a `backlink` of this name to the other recordset, which the caller must administer."
    )
    link: FieldKey | None = _option("For `lookup`, `rollup` and `count`: the link or backlink that is followed.")
    field: FieldKey | None = _option(
        "For `lookup` and `rollup`: the field of the linked records. For `backlink`: the link in the other recordset."
    )
    function: RollupFunction | None = _option("For `rollup`: what is made of the values.")
    expression: str | None = _option(
        "For `formula`: the formula; fields stand in braces, by name or key, and are kept by key.",
        min_length=1,
        max_length=LONGEST_FORMULA,
    )
    default: JsonValue = _option("What new records get that come without a value of the field.")


class FieldDefinition(BaseModel):
    """A field, as the caller may know it."""

    key: str = Field(description="Names the field among the values of a record; never changes.")
    name: str
    type: TypeName
    position: int
    is_required: bool
    options: FieldOptions
    hidden_from: list[str] = Field(description=HIDDEN_FROM)
    read_only_for: list[str] = Field(description=READ_ONLY_FOR)
    is_promoted: bool = Field(description="Whether filters and sorts on the field use an index.")
    is_read_only: bool = Field(
        description="Whether the caller may not change its values; those that are computed, nobody does."
    )
    problem: str | None = Field(
        description="Why a computed field has no values: what it is made of is gone, or no longer fits."
    )
    becomes: TypeName | None = Field(
        description="The type that a job is giving it; until then it has the old one, and nobody changes its values."
    )


class FieldCreate(BaseModel):
    """A new field."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    type: TypeName
    key: FieldKey | None = Field(default=None, description="Made from the name when it is left out.")
    is_required: bool = False
    options: FieldOptions = FieldOptions()
    hidden_from: RoleKeys = Field(default=[], description=HIDDEN_FROM)
    read_only_for: RoleKeys = Field(default=[], description=READ_ONLY_FOR)
    is_promoted: bool | None = Field(
        default=None,
        description="Left out, the first choice or text, the first number and the first date are, where no other is.",
    )


class FieldUpdate(BaseModel):
    """A change of the field that has the key; without one of that key, a new field."""

    model_config = ConfigDict(extra="forbid")

    key: FieldKey | None = None
    name: Name | None = None
    type: TypeName | None = Field(
        default=None,
        description="Of a new field; or another for one that there is, whose values are converted. Options of the old "
        "type that the new one knows stay unless others are sent.",
    )
    accept_loss: bool = Field(
        default=False, description="Whether values that another type does not take may become empty."
    )
    is_required: bool | None = None
    options: FieldOptions | None = None
    hidden_from: RoleKeys | None = Field(default=None, description=HIDDEN_FROM)
    read_only_for: RoleKeys | None = Field(default=None, description=READ_ONLY_FOR)
    is_promoted: bool | None = None


class MapSettings(BaseModel):
    """Which fields say where a record lies: a geometry, a place, or a latitude and a longitude."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"lat_field": "latitude", "lng_field": "longitude"}]}
    )

    lat_field: FieldKey | None = None
    lng_field: FieldKey | None = None
    location_field: FieldKey | None = None
    geometry_field: FieldKey | None = None

    @model_validator(mode="after")
    def _check_one_way(self) -> Self:
        pair = (self.lat_field, self.lng_field)
        ways = [self.geometry_field, self.location_field, *({pair} - {(None, None)})]
        if None in pair and pair != (None, None):
            raise ValueError("lat_field and lng_field belong together")
        if sum(way is not None for way in ways) != 1:
            raise ValueError("name a geometry_field, a location_field, or both lat_field and lng_field")
        return self


class RecordsetSettings(BaseModel):
    """What a recordset's fields stand for, and where its records come from."""

    model_config = ConfigDict(extra="forbid")

    title_field: FieldKey | None = Field(
        default=None, description="What records are called by; the first text unless it is said."
    )
    map: MapSettings | None = None
    attribution: Provenance | None = Field(default=None, description="Whom a map names as the source of its records.")
    licence: Provenance | None = Field(default=None, description="Under which terms the records may be used.")
    source: Provenance | None = Field(default=None, description="Where the records were taken from, such as a URL.")


class RecordsetPermissions(BaseModel):
    """What the caller may do in a recordset."""

    can_view: bool
    can_create: bool
    can_edit: bool
    can_edit_own: bool
    can_delete: bool
    can_delete_own: bool
    can_comment: bool
    can_import: bool
    can_export: bool
    can_admin: bool
    can_delete_recordset: bool


class PermissionReasons(BaseModel):
    """What decided each permission: a role, a grant, or the credential's scope."""

    can_view: str
    can_create: str
    can_edit: str
    can_edit_own: str
    can_delete: str
    can_delete_own: str
    can_comment: str
    can_import: str
    can_export: str
    can_admin: str
    can_delete_recordset: str


class PermissionReport(BaseModel):
    """What the caller may do in a recordset, and why."""

    recordset_id: UUID
    is_owner: bool
    permissions: RecordsetPermissions
    reasons: PermissionReasons


class RecordsetSummary(BaseModel):
    """A recordset in a list."""

    id: UUID
    slug: str
    name: str
    description: str
    type: str
    mode: Mode
    icon: str | None
    color: str | None
    owner_id: UUID | None = Field(description="The member to whom it belongs, and who may do everything in it.")
    is_active: bool
    record_count: int | None = Field(description="Null for those from whom row rules keep some of the records.")
    permissions: RecordsetPermissions
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int


class Recordset(RecordsetSummary):
    """A recordset with its fields, as far as the caller may know them."""

    settings: RecordsetSettings
    fields: list[FieldDefinition]
    is_in_step: bool = Field(
        description="Whether all records follow the present fields and settings; if not, a job sees to it."
    )


class RecordsetCreate(BaseModel):
    """A new recordset."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Airports",
                    "mode": "map",
                    "fields": EXAMPLE_FIELDS,
                    "settings": {"map": {"lat_field": "latitude", "lng_field": "longitude"}},
                }
            ]
        },
    )

    name: Name
    slug: Slug | None = Field(default=None, description="Made from the name when it is left out; never changes.")
    description: Description = ""
    type: Word = Field(default="custom", description="A word of your own, by which lists are filtered.")
    mode: Mode = "table"
    icon: Mark | None = None
    color: Mark | None = None
    fields: list[FieldCreate] = Field(default=[], description="In their order; at most 500.")
    settings: RecordsetSettings = RecordsetSettings()


class RecordsetUpdate(BaseModel):
    """A changed recordset: what is left out stays."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Airports of the world",
                    "fields": [{"key": "state", "name": "Province"}, {"name": "Opened", "type": "date"}],
                    "remove_fields": ["landing_fee"],
                    "field_order": ["name", "opened"],
                }
            ]
        },
    )

    name: Name | None = None
    description: Description | None = None
    type: Word | None = None
    mode: Mode | None = None
    icon: Mark | None = None
    color: Mark | None = None
    is_active: bool | None = None
    settings: RecordsetSettings | None = None
    fields: list[FieldUpdate] = Field(default=[], description="Fields to change, by key, and new ones.")
    remove_fields: list[FieldKey] = Field(
        default=[], description="Fields to remove, with all their values. This cannot be undone."
    )
    field_order: list[FieldKey] = Field(
        default=[], description="Fields that come first, in this order; the others follow as they stood."
    )
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")


class ResyncStarted(BaseModel):
    """The job that brings records in step."""

    recordset_id: UUID
    job_id: UUID


class MapEnabled(BaseModel):
    """A recordset that is shown on a map, and the job that places its records."""

    recordset: Recordset
    job_id: UUID
