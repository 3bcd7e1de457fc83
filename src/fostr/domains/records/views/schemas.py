"""Shapes of saved views in the API."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

SCHEMA_VERSION: Final = 1
"""Of the configuration. A change that readers must know of is a new version, and old ones are read for good."""

ViewType = Literal["grid", "kanban", "calendar", "timeline", "gallery", "map", "form"]
Visibility = Literal["personal", "shared"]
Direction = Literal["asc", "desc"]
RowHeight = Literal["short", "medium", "tall", "extra_tall"]

ViewName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Keys = Annotated[list[Key], Field(max_length=500)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5000)]
Color = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32)]
Position = Annotated[int, Field(ge=0, le=100_000)]
Tree = Annotated[
    dict[str, Any],
    Field(
        max_length=100,
        description="A tree of conditions, as the parameter `filters` of a list of records takes it.",
        examples=[{"and": [{"field": "state", "op": "eq", "value": "TX"}]}],
    ),
]

STRICT: Final = ConfigDict(extra="forbid")


class ViewSort(BaseModel):
    """One thing to sort or to group by."""

    model_config = STRICT

    field: Key = Field(description="The key of a field, or `id`, `created_at`, `updated_at` or `title`.")
    direction: Direction = "asc"


class ColorRule(BaseModel):
    """The colour of the records that meet a condition; the first rule that fits counts."""

    model_config = STRICT

    filters: Tree
    color: Color


class GridLayout(BaseModel):
    """A table."""

    model_config = STRICT

    frozen_fields: int = Field(default=0, ge=0, le=20, description="How many fields stay in place as others scroll.")


class KanbanLayout(BaseModel):
    """Cards in stacks."""

    model_config = STRICT

    stack_field: Key = Field(description="A field of type `select` or `member`: each of its values is a stack.")
    cover_field: Key | None = Field(default=None, description="A field of type `attachment` or `url`.")
    hide_empty_stacks: bool = False


class CalendarLayout(BaseModel):
    """Days, weeks and months."""

    model_config = STRICT

    date_field: Key = Field(description="A date or a moment, at which a record begins.")
    end_field: Key | None = Field(default=None, description="A date or a moment, at which it ends.")


class TimelineLayout(BaseModel):
    """Bars along the time."""

    model_config = STRICT

    start_field: Key = Field(description="A date or a moment, at which a record begins.")
    end_field: Key | None = Field(default=None, description="A date or a moment, at which it ends.")


class GalleryLayout(BaseModel):
    """Cards with pictures."""

    model_config = STRICT

    cover_field: Key | None = Field(default=None, description="A field of type `attachment` or `url`.")
    fit: Literal["cover", "contain"] = "cover"


class MapLayout(BaseModel):
    """A map; without fields of its own, records lie where the recordset's settings say."""

    model_config = STRICT

    lat_field: Key | None = None
    lng_field: Key | None = None
    location_field: Key | None = None
    geometry_field: Key | None = None
    color_field: Key | None = Field(default=None, description="A field of type `select`, by which places are coloured.")

    @model_validator(mode="after")
    def _check_one_way(self) -> Self:
        pair = (self.lat_field, self.lng_field)
        if None in pair and pair != (None, None):
            raise ValueError("lat_field and lng_field belong together")
        ways = (self.lat_field, self.location_field, self.geometry_field)
        if sum(way is not None for way in ways) > 1:
            raise ValueError("name at most one of a geometry_field, a location_field, and lat_field with lng_field")
        return self


class FormField(BaseModel):
    """A question of a form."""

    model_config = STRICT

    field: Key
    label: Line | None = Field(default=None, description="Instead of the field's name.")
    help: Paragraph | None = None
    is_required: bool = Field(default=False, description="Also where the field itself does not insist on a value.")


class FormLayout(BaseModel):
    """A form by which records are made."""

    model_config = STRICT

    title: Line | None = None
    intro: Paragraph | None = Field(default=None, description="What stands before the questions.")
    submit_label: Line | None = None
    thanks: Paragraph | None = Field(default=None, description="What is shown once the form was sent.")
    fields: list[FormField] = Field(min_length=1, max_length=200, description="In their order.")


class ViewConfig(BaseModel):
    """How a view shows records: what is the same for all types, and one part by the view's own type."""

    model_config = STRICT

    schema_version: Literal[1] = SCHEMA_VERSION
    filters: Tree | None = Field(default=None, description="Which records are shown; see the parameter `filters`.")
    sorts: list[ViewSort] = Field(default=[], max_length=5)
    hidden_fields: Keys = Field(default=[], description="Fields that the view does not show.")
    field_order: Keys = Field(default=[], description="Fields that come first; the others follow as they stand.")
    field_widths: dict[Key, Annotated[int, Field(ge=20, le=2000)]] = Field(
        default={}, max_length=500, description="In pixels."
    )
    group_by: list[ViewSort] = Field(default=[], max_length=3)
    row_height: RowHeight = "short"
    color_rules: list[ColorRule] = Field(default=[], max_length=20)
    grid: GridLayout | None = None
    kanban: KanbanLayout | None = None
    calendar: CalendarLayout | None = None
    timeline: TimelineLayout | None = None
    gallery: GalleryLayout | None = None
    map: MapLayout | None = None
    form: FormLayout | None = None


class ViewOwner(BaseModel):
    """Whose view it is."""

    id: UUID
    full_name: str


class View(BaseModel):
    """A saved view, as far as the caller may know it."""

    id: UUID
    recordset_id: UUID
    name: str
    description: str
    type: ViewType
    visibility: Visibility = Field(description="`personal` views are seen by their owner alone.")
    owner: ViewOwner | None
    position: int
    is_default: bool = Field(description="Whether the recordset opens with it.")
    is_locked: bool
    is_published: bool = Field(description="Whether an open link shows it to people outside of the workspace.")
    config: ViewConfig
    is_partial: bool = Field(
        description="Whether something was left out of `config`: it names a field that is gone, or hidden from you."
    )
    can_change: bool = Field(description="Whether the caller may change it.")
    created_at: datetime
    updated_at: datetime
    version: int


class ViewCreate(BaseModel):
    """A new view."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "By name", "type": "grid", "config": {"sorts": [{"field": "name", "direction": "asc"}]}},
            ]
        },
    )

    name: ViewName
    type: ViewType = "grid"
    description: Description = ""
    visibility: Visibility = "personal"
    is_default: bool = False
    is_locked: bool = False
    position: Position | None = Field(default=None, description="Left out, the view comes last.")
    config: ViewConfig = ViewConfig()


class ViewUpdate(BaseModel):
    """A changed view: what is left out stays, and so do the parts of `config` that are left out."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "By size", "config": {"row_height": "tall"}, "expected_version": 1}]},
    )

    name: ViewName | None = None
    type: ViewType | None = None
    description: Description | None = None
    visibility: Visibility | None = None
    is_default: bool | None = None
    is_locked: bool | None = None
    position: Position | None = None
    config: ViewConfig | None = None
    expected_version: int | None = Field(default=None, ge=1, description="The version that the caller saw.")


class ViewDuplicate(BaseModel):
    """What the copy of a view is called, and who sees it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "By name, mine"}]})

    name: ViewName | None = Field(default=None, description="Left out, it is called after the other view.")
    visibility: Visibility = "personal"
