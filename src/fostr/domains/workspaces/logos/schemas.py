"""Logos, as they are answered."""

from pydantic import BaseModel, Field


class Logo(BaseModel):
    """A logo that was uploaded."""

    logo_url: str = Field(
        description="Its address, which stays the same while the logo is there; with `?size=` 64, 256 or 512 pixels."
    )
    signed_url: str = Field(description="The same logo for an hour, without being led on.")
