"""The only way to a shared table: its token, its password where it has one, and the rights that its maker has now.

Whatever is wrong with a link, it answers the same: there is no such link. Only a link that is open says that it has a
password.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Header, Path, Request

from fostr.domains.records.modules import RECORDS
from fostr.domains.records.recordsets.reach import check_action, reach_recordset
from fostr.domains.records.shares import repository
from fostr.domains.records.shares.publishing import Published, publish
from fostr.domains.records.shares.rules import PER_ADDRESS, TRIES_PER_ADDRESS, TRIES_PER_LINK, VISIT
from fostr.domains.records.shares.service import TOKEN_PREFIX, LinkNotFound
from fostr.domains.records.views import service as views
from fostr.domains.records.views.config import prune_config
from fostr.kernel.crypto.passwords import verify_password
from fostr.kernel.crypto.tokens import check_token, digest_token
from fostr.kernel.http.context import PublicContext
from fostr.kernel.http.errors import Forbidden, NotFound, Unauthorized
from fostr.kernel.http.guards import Public
from fostr.kernel.http.middleware import LOGGED_PATH
from fostr.kernel.jobs.behalf import act_as_member
from fostr.kernel.limits import counters
from fostr.kernel.limits.limit import check_limit, give_back, network_of
from fostr.kernel.modules import is_enabled

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from fostr.kernel.http.context import Context

PASSWORD_HEADER: Final = "X-Share-Password"  # noqa: S105 - the name of a header
_CHALLENGE: Final = MappingProxyType({"WWW-Authenticate": "Share-Password"})


class SharePasswordRequired(Unauthorized):
    """The link has a password, and none was given."""

    code = "share_password_required"
    detail = f"This table takes a password, in the header {PASSWORD_HEADER}."
    headers = _CHALLENGE


class SharePasswordWrong(Unauthorized):
    """The password is not the link's."""

    code = "share_password_wrong"
    detail = "This is not the password of this table."
    headers = _CHALLENGE


@dataclass(frozen=True, slots=True)
class OpenedShare:
    """A shared table that somebody may see.

    Attributes:
        link: as it is kept.
        view: as it is kept.
        whole: the view's configuration as the link's maker may know it.
        published: what of it is for everybody.
        maker_mask: what the maker may not see.
    """

    link: asyncpg.Record
    view: asyncpg.Record
    whole: dict[str, Any]
    maker_mask: Any
    published: Published

    @property
    def context(self) -> Context:
        """The request, as if the link's maker had sent it."""
        return self.published.reached.context


async def open_share(
    request: Request,
    public: Public,
    share_token: Annotated[str, Path(max_length=200, description="What the link's maker was given.")],
    password: Annotated[
        str | None, Header(alias=PASSWORD_HEADER, max_length=200, description="The link's password, if it has one.")
    ] = None,
) -> OpenedShare:
    """Guard of shared tables: whoever holds the token, and knows the password.

    Raises:
        ShareLinkThrottled: too many requests came from the address.
        LinkNotFound: there is no such link, or not any more.
        SharePasswordRequired, SharePasswordWrong, SharePasswordThrottled: as they say.
    """
    request.scope[LOGGED_PATH] = request.url.path.replace(share_token, "…")
    network = network_of(public.facts.address)
    workspace, link = await _find_link(public, share_token, network=network)
    if link["password_hash"] is not None:
        await _check_password(public, link, password, network=network)
    public.unit.enter_workspace(workspace)
    return await _open(public, link)


async def _find_link(public: PublicContext, token: str, *, network: str) -> tuple[UUID, asyncpg.Record]:
    """Return the workspace of an open link, and the link.

    The unit is one of its own: checking a password takes long, and no connection is held meanwhile.
    """
    async with public.runtime.database.unit() as unit:
        await check_limit(unit, PER_ADDRESS, subject=network)
        if not check_token(token, prefix=TOKEN_PREFIX):
            raise LinkNotFound
        found = await repository.find_token(unit, digest_token(token))
        if found is None:
            raise LinkNotFound
        unit.enter_workspace(found["workspace_id"])
        link = await repository.find_open_link(unit, found["id"], now=public.now)
        if link is None:
            raise LinkNotFound
        return found["workspace_id"], link


async def _check_password(public: PublicContext, link: asyncpg.Record, given: str | None, *, network: str) -> None:
    if given is None:
        raise SharePasswordRequired
    database = public.runtime.database
    tries = ((TRIES_PER_ADDRESS, f"{link['id']} {network}"), (TRIES_PER_LINK, str(link["id"])))
    for limit, subject in tries:
        await check_limit(database, limit, subject=subject)
    cost = public.settings.password_hash_cost
    if not await verify_password(given, stored=link["password_hash"], cost=cost):
        raise SharePasswordWrong
    for limit, subject in tries:
        await give_back(database, limit, subject=subject)


async def _open(public: PublicContext, link: asyncpg.Record) -> OpenedShare:
    try:
        context = await act_as_member(public.runtime, public.unit, member_id=link["created_by"], cause_id=link["id"])
        if not is_enabled(RECORDS, context.access.switched_modules):
            raise LinkNotFound
        reached = await reach_recordset(context, link["recordset_id"], "publish")
        check_action(reached, "view_records")
        view = await views.find_row(reached, link["view_id"])
    except (Forbidden, NotFound):
        # The maker has left, may not share it any more, or what was shared is gone.
        raise LinkNotFound from None
    pruned = prune_config(view["config"], recordset=reached.recordset, mask=reached.mask)
    if view["type"] == "form" or pruned.is_wider:
        # Without a condition that nobody can apply any more, the world would see what the view leaves out.
        raise LinkNotFound
    published = publish(reached, pruned.config, allowed=frozenset(link["fields"]))
    return OpenedShare(link=link, view=view, whole=pruned.config, maker_mask=reached.mask, published=published)


async def count_visit(opened: OpenedShare, public: PublicContext) -> None:
    """Count a visit, unless the visitor was here a moment ago."""
    key = f"share visit {opened.link['id']} {network_of(public.facts.address)}"
    verdict = await counters.hit(public.runtime.database, key=key, limit=1, window=VISIT)
    if verdict.used == 1:
        await repository.note_visit(public.unit, opened.link["id"], now=public.now)
