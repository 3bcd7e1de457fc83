"""Records by their place in tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fostr.kernel.db.sql import Fragment

if TYPE_CHECKING:
    from collections.abc import Sequence


def tool_conditions(*, tool: str | None, group_id: str | None, without: Sequence[str]) -> list[Fragment]:
    """Return the conditions on a record `r` that its place in tools meets; without any wish there are none.

    Args:
        tool: it has a status in this one.
        group_id: it is of this group in that tool, or in any where none is named.
        without: it has none of these recommendations there.
    """
    conditions: list[Fragment] = []
    if tool is not None or group_id is not None:
        conditions.append(_listed(tool, group_id))
    if without:
        conditions.append(_not_recommended(tool, without))
    return conditions


def _listed(tool: str | None, group_id: str | None) -> Fragment:
    params: dict[str, Any] = {}
    if tool is not None:
        params["tool"] = tool
    if group_id is not None:
        params["tool_group"] = group_id
    text = f"""r.id in (
        select t.record_id from record_tools t
        where t.workspace_id = :workspace and t.status is not null
        {"" if tool is None else "and t.tool = :tool"} {"" if group_id is None else "and t.group_id = :tool_group"}
    )"""
    return Fragment(text, params)


def _not_recommended(tool: str | None, without: Sequence[str]) -> Fragment:
    params: dict[str, Any] = {"tool_without": list(without)}
    if tool is not None:
        params["tool"] = tool
    text = f"""not exists (
        select from record_tools t
        where t.workspace_id = :workspace and t.record_id = r.id and t.status is not null
          and t.recommendation = any(:tool_without::text[]) {"" if tool is None else "and t.tool = :tool"}
    )"""
    return Fragment(text, params)
