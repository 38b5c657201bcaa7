"""What tasks have asked of Thalweg, for OpenLineage: a facet of reason and outcome beside what Airflow tells itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from thalweg_client.lineage import FACET, PRODUCER, Told

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage


class Lineage:
    """What stands beside an operator's own class. Airflow's OpenLineage provider asks it, where that is installed."""

    #: What it does, in the facet.
    act: ClassVar[str] = "wait"
    #: The values that it came to, as JSON, and why.
    _values: Mapping[str, Any] | None = None
    _reason: str = ""

    def came_to(self, values: Any, reason: str = "") -> None:
        """Keeps what the facet is to tell."""
        self._values = values if isinstance(values, Mapping) else {}
        self._reason = reason or self._reason

    def told(self, failed: bool) -> Told:
        """What the facet tells."""
        values = self._values or {}
        engine = values.get("engine") or getattr(self, "engine", None) or ""
        of = values.get("candidate") or getattr(self, "topology", None) or getattr(self, "host", None)
        outcome = values.get("answer") or values.get("state") or ("failed" if failed else "done")
        return Told(
            act=self.act,
            engine=str(engine),
            reason=self._reason,
            outcome=str(outcome),
            of=None if of is None else str(of),
            measured=values.get("measured"),
            limit=values.get("limit"),
            plan=values.get("plan") if self.act == "scale" else None,
        )

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """What OpenLineage is told when the task has done it."""
        return lineage_of(self.told(failed=False))

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage[Any, Any]:
        """What OpenLineage is told when it has not."""
        return lineage_of(self.told(failed=True))


def lineage_of(told: Told) -> OperatorLineage[Any, Any]:
    """The facet as Airflow's provider of OpenLineage takes it, which alone asks for it."""
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_providers_thalweg.facet import ThalwegRunFacet

    return OperatorLineage(run_facets={FACET: ThalwegRunFacet(producer=PRODUCER, **told.fields())})
