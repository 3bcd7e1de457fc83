"""How handing over is refused."""

from fostr.kernel.http.errors import Unprocessable


class ItemKindUnknown(Unprocessable):
    """Nothing of such a kind can belong to a member; `known` lists the kinds."""

    code = "item_kind_unknown"
    detail = "There is no such kind of items."


class ItemKindBound(Unprocessable):
    """Things of a kind cannot be handed over."""

    code = "item_kind_bound"
    detail = "Items of this kind end with their member; they cannot be handed over."


class TargetNotActive(Unprocessable):
    """Who is to get things must be there to look after them."""

    code = "target_not_active"
    detail = "The member who is to get the items is not active."


class TargetIsSource(Unprocessable):
    """Things would go to whom they belong."""

    code = "target_is_source"
    detail = "The items belong to this member already."
