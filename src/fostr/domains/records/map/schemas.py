"""Shapes of clusters and layers in the API."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

Lng = Annotated[float, Field(ge=-180, le=180)]
Lat = Annotated[float, Field(ge=-90, le=90)]


class MapCluster(BaseModel):
    """The records of one cell of the grid."""

    count: int
    lng: Lng = Field(description="In the middle of the records.")
    lat: Lat
    bounds: Annotated[list[float], Field(min_length=4, max_length=4)] = Field(
        description="West, south, east and north of all of them; east lies beyond 180 across the antimeridian."
    )
    expansion_zoom: int = Field(description="The zoom at which they fall into several cells; 22 if they never do.")
    id: UUID | None = Field(description="The record, where it is alone.")
    title: str | None = Field(description="What it is called.")


class MapClusters(BaseModel):
    """The records of a part of a map, counted by the cells of a grid."""

    clusters: list[MapCluster] = Field(description="Those with the most records first.")
    zoom: int
    count: int = Field(description="Records in these clusters.")
    truncated: bool = Field(description="Whether there are more clusters than are answered.")


class VectorLayer(BaseModel):
    """A layer of the tiles, and what its features carry."""

    id: str
    fields: dict[str, str]
    minzoom: int
    maxzoom: int


class TileJson(BaseModel):
    """Where tiles are, and what is in them (TileJSON 3.0)."""

    tilejson: str
    name: str
    description: str
    attribution: str | None
    scheme: str
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: list[float]
    vector_layers: list[VectorLayer]


EXAMPLE_CLUSTERS: dict[str, Any] = {
    "clusters": [
        {
            "count": 12,
            "lng": -95.4,
            "lat": 29.8,
            "bounds": [-95.9, 29.5, -95.0, 30.1],
            "expansion_zoom": 7,
            "id": None,
            "title": None,
        }
    ],
    "zoom": 5,
    "count": 12,
    "truncated": False,
}
