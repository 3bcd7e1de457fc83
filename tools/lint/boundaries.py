"""What import-linter's own contract types can state only by naming every domain: see `MeetAtContract`."""

from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class MeetAtContract(Contract):
    """Packages side by side meet only at one module of each, or not at all.

    Attributes:
        container: the package whose children are kept apart; those that are added later too.
        door: the module of a child that the others may import; without it they may import nothing.
    """

    type_name = "meet_at"

    container = fields.ModuleField()
    door = fields.StringField(required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001 -- import-linter's signature
        del verbose
        container = str(self.container)
        trespasses = [
            f"{importer} -> {imported}"
            for importer in sorted(_list_modules(graph, container))
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if self._trespasses(importer, imported)
        ]
        return ContractCheck(kept=not trespasses, metadata={"trespasses": trespasses})

    def _trespasses(self, importer: str, imported: str) -> bool:
        prefix = f"{self.container}."
        if not imported.startswith(prefix):
            return False
        child, _, inside = imported.removeprefix(prefix).partition(".")
        at_home = importer.removeprefix(prefix).partition(".")[0] == child
        return not at_home and inside != cast("str | None", self.door)

    def render_broken_contract(self, check: ContractCheck) -> None:
        for trespass in check.metadata["trespasses"]:
            output.print_error(f"- {trespass}", bold=False)
        output.new_line()


def _list_modules(graph: ImportGraph, container: str) -> set[str]:
    # A product without integrations has nothing that could break the contract.
    return graph.find_descendants(container) if container in graph.modules else set()
