"""Removals, as they are answered."""

from pydantic import BaseModel, Field


class DeletionInfo(BaseModel):
    """What stands in the way of deleting a member's account."""

    workspace_count: int = Field(description="How many workspaces the person belongs to, this one among them.")
    can_delete_user: bool = Field(description="Whether the account can be deleted for good from here.")
    item_count: int = Field(description="How many things belong to the member here; hand them over first.")


class Removed(BaseModel):
    """What a removal did."""

    invitation_withdrawn: bool = Field(description="The person had not accepted their invitation.")
    account_deleted: bool = Field(description="The person belonged to no other workspace, and their account is gone.")
