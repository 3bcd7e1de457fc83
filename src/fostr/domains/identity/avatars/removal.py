"""The end of a picture that an account no longer shows."""

from uuid import UUID

from fostr.kernel.files.pictures import delete_picture
from fostr.kernel.http.context import PublicContext


def remove_replaced(context: PublicContext, *, user_id: UUID, before: str | None, after: str | None) -> None:
    """Remove an account's former picture, if it was uploaded here and another address stands in its place.

    Once the change holds: until then, the old picture is the one that is shown.
    """
    if before is not None and before != after:
        context.unit.after_commit(
            lambda: delete_picture(context.runtime.files, before, owner_id=user_id, kind="avatar")
        )
