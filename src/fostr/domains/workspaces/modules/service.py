"""What can be done with modules."""

from typing import Any

from pydantic import BaseModel, ValidationError

from fostr.domains.workspaces.events import MODULE_CHANGED
from fostr.domains.workspaces.modules import repository
from fostr.domains.workspaces.modules.errors import (
    ModuleNotFound,
    ModuleSettingsExist,
    ModuleSettingsInvalid,
    ModuleUnknown,
)
from fostr.domains.workspaces.modules.repository import StoredSettings
from fostr.domains.workspaces.modules.schemas import ModuleSettings, ModuleSettingsCreate, ModuleSettingsUpdate
from fostr.kernel.db.unit import Unit
from fostr.kernel.events.outbox import record
from fostr.kernel.http.concurrency import check_version
from fostr.kernel.http.context import Context
from fostr.kernel.modules import Module, find_module, list_modules


async def list_settings(context: Context) -> list[ModuleSettings]:
    stored = await repository.list_settings(context.unit)
    return [_shown(module, stored.get(module.name)) for module in list_modules()]


async def get_settings(context: Context, *, name: str) -> ModuleSettings:
    module = get_module(name)
    return _shown(module, await repository.find_settings(context.unit, module=module.name))


async def read_settings(unit: Unit, *, module: Module) -> dict[str, Any]:
    """Return what is set about a module in the unit's workspace, and what it comes with for the rest."""
    return _settings(module, await repository.find_settings(unit, module=module.name))


def get_module(name: str) -> Module:
    module = find_module(name)
    if module is None:
        raise ModuleNotFound
    return module


async def create_settings(context: Context, *, data: ModuleSettingsCreate) -> ModuleSettings:
    module = find_module(data.module)
    if module is None:
        raise ModuleUnknown(known=[known.name for known in list_modules()])
    if not await repository.insert_settings(context.unit, module=module.name, now=context.now):
        raise ModuleSettingsExist
    before = await _lock(context, module)
    is_enabled = module.is_enabled if data.is_enabled is None else data.is_enabled
    return await _write(context, module, before=before, is_enabled=is_enabled, given=data.settings)


async def update_settings(
    context: Context, *, name: str, data: ModuleSettingsUpdate, expected_version: int | None
) -> ModuleSettings:
    module = get_module(name)
    before = await _lock(context, module)
    check_version(expected=expected_version, current=before.version)
    changes = data.changes()
    return await _write(
        context,
        module,
        before=before,
        is_enabled=changes.get("is_enabled", _is_enabled(module, before)),
        given=changes.get("settings", {}),
    )


async def toggle(context: Context, *, name: str) -> ModuleSettings:
    module = get_module(name)
    before = await _lock(context, module)
    return await _write(context, module, before=before, is_enabled=not _is_enabled(module, before), given={})


async def _lock(context: Context, module: Module) -> StoredSettings:
    await repository.insert_settings(context.unit, module=module.name, now=context.now)
    stored = await repository.find_settings(context.unit, module=module.name, lock=True)
    assert stored is not None  # noqa: S101 - it is there by now, and nobody deletes any
    return stored


async def _write(
    context: Context, module: Module, *, before: StoredSettings, is_enabled: bool, given: dict[str, Any]
) -> ModuleSettings:
    settings = _fit(module, {**_known(module, before.settings), **given})
    after = await repository.update_settings(
        context.unit,
        module=module.name,
        is_enabled=None if is_enabled == module.is_enabled else is_enabled,
        settings=settings,
        member_id=context.member_id,
        now=context.now,
    )
    if after.is_enabled != before.is_enabled:
        await repository.set_switched(context.unit, module=module.name, is_switched=after.is_enabled is not None)
    # A module has no id; the workspace whose module it is stands for it.
    await record(
        context,
        type=MODULE_CHANGED,
        entity="module",
        entity_id=context.workspace_id,
        before=_state(module, before),
        after=_state(module, after),
    )
    return _shown(module, after)


def _fit(module: Module, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return those of the wanted settings that differ from how the module comes, or refuse."""
    names: set[str] = set() if module.settings is None else set(module.settings.model_fields)
    if unknown := sorted(wanted.keys() - names):
        raise ModuleSettingsInvalid(
            faults=[{"loc": [name], "msg": "The module has no such setting."} for name in unknown]
        )
    if module.settings is None:
        return {}
    try:
        fitted = module.settings.model_validate(wanted)
    except ValidationError as error:
        faults = [{"loc": list(fault["loc"]), "msg": fault["msg"]} for fault in error.errors(include_url=False)]
        raise ModuleSettingsInvalid(faults=faults) from None
    usual = _defaults(module.settings)
    return {name: value for name, value in fitted.model_dump(mode="json").items() if value != usual[name]}


def _defaults(settings: type[BaseModel]) -> dict[str, Any]:
    return settings().model_dump(mode="json")


def _known(module: Module, stored: dict[str, Any]) -> dict[str, Any]:
    """Leave out what another version of the program could set, and this one cannot."""
    names = () if module.settings is None else module.settings.model_fields
    return {name: value for name, value in stored.items() if name in names}


def _is_enabled(module: Module, stored: StoredSettings | None) -> bool:
    return module.is_enabled if stored is None or stored.is_enabled is None else stored.is_enabled


def _settings(module: Module, stored: StoredSettings | None) -> dict[str, Any]:
    usual = {} if module.settings is None else _defaults(module.settings)
    return usual if stored is None else {**usual, **_known(module, stored.settings)}


def _state(module: Module, stored: StoredSettings) -> dict[str, Any]:
    return {
        "module": module.name,
        "is_enabled": _is_enabled(module, stored),
        "settings": _settings(module, stored),
    }


def _shown(module: Module, stored: StoredSettings | None) -> ModuleSettings:
    return ModuleSettings(
        module=module.name,
        label=module.label,
        description=module.description,
        is_enabled=_is_enabled(module, stored),
        is_customised=stored is not None and (stored.is_enabled is not None or bool(_known(module, stored.settings))),
        settings=_settings(module, stored),
        settings_schema=None if module.settings is None else module.settings.model_json_schema(),
        updated_at=None if stored is None else stored.updated_at,
        version=0 if stored is None else stored.version,
    )
