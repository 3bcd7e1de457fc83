"""Requests made up from the OpenAPI document: no server error, and no answer that the document does not foresee."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from fostr.app import create_app
from fostr.kernel.http.document import build_openapi
from fostr.kernel.runtime import Runtime
from fostr.settings import Settings
from tests.contract.walk import ENDLESS
from tests.support.cast import Cast, create_cast
from tests.support.live import LiveServer

EXAMPLES: Final = 5
PATIENCE: Final = 120
"""Seconds that an answer may take on a busy machine."""


def _schema() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(environment="test", data=Path(folder), log_level="error"))
        document = build_openapi(app)
        for name in ENDLESS:
            del document["paths"][name.partition(" ")[2]]
        return schemathesis.openapi.from_dict(document)


schema = _schema()


@pytest.fixture(scope="module")
def people(live: LiveServer) -> Cast:
    async def make(runtime: Runtime) -> Cast:
        return await create_cast(runtime)

    return live.call(make)


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
def test_nothing_makes_the_server_fail(case: Any, live: LiveServer, people: Cast) -> None:
    headers = {"Authorization": f"Bearer {people.owner.token}", "X-Workspace-Id": str(people.acme)}
    if case.path.endswith("/logout"):
        headers["Authorization"] = "Bearer nobody"
    response = case.call(base_url=live.address, headers=headers, timeout=PATIENCE)
    assert response.status_code < 500 or response.status_code == 503, response.text
    if response.status_code == 405 or case.method.upper() != case.operation.method.upper():
        # A made-up value in the path may make it another path, which takes other methods; and methods that the path has
        # not, which are tried once for each path of a process, may be those of another, as PATCH /auth/{user_id} is.
        return
    documented = {str(status) for status in case.operation.definition.raw["responses"]}
    assert str(response.status_code) in documented, f"{response.status_code}: {response.text}"
