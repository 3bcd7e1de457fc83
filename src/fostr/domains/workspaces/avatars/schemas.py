"""Pictures of members, as they are answered."""

from pydantic import BaseModel, Field


class MemberAvatar(BaseModel):
    """A picture that was uploaded."""

    avatar_url: str = Field(
        description="Its address, which stays the same while the picture is there; with `?size=` 64, 256 or 512 pixels."
    )
    signed_url: str = Field(description="The same picture for an hour, without being led on.")
