"""Creating one record, with rights, checks and event, beside a bare insert of one row with the same durable commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from bench.baseline import PLAIN_TABLE
from bench.data import NEW_RECORD, create_recordset
from bench.load import alternate, make_target, median_rate, median_time
from bench.report import compare_rates

if TYPE_CHECKING:
    from bench.report import Row
    from bench.world import World

CONCURRENCIES: Final = (1, 8)


async def measure_create(world: World) -> list[Row]:
    """Compare the records a second with the rows of a bare handler."""
    recordset = await create_recordset(world, "Created")
    connection = await world.connect()
    try:
        await connection.execute(PLAIN_TABLE)
    finally:
        await connection.close()
    body = orjson.dumps({"recordset_id": str(recordset.id), "field_values": NEW_RECORD})
    ours = await world.target(world.member, "POST", "/api/v1/records", body=body, status=201)
    bare = make_target((await world.baseline()).port, "POST", "/create", headers={}, body=body, status=201)
    rows: list[Row] = []
    for connections in CONCURRENCIES:
        measured = await alternate([ours, bare], connections=connections)
        value, baseline = (median_rate(rounds) for rounds in measured)
        times = " against ".join(f"{1000 * median_time(rounds):.2f}" for rounds in measured)
        rows.append(
            compare_rates(
                "create" if connections == 1 else f"create_{connections}",
                value=value,
                baseline=baseline,
                unit="records/s",
                least=0.35,
                detail=f"ten values into one recordset, {connections} at a time, fsync on; {times} ms each",
            )
        )
    return rows
