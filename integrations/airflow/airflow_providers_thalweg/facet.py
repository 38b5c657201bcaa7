"""The facet in OpenLineage's classes. Only what runs beside Airflow's provider of OpenLineage imports it."""

from __future__ import annotations

import attr
from openlineage.client.generated.base import RunFacet

from thalweg_client.lineage import SCHEMA


@attr.define
class ThalwegRunFacet(RunFacet):
    """What was asked of Thalweg in a run, why, and what came of it. What is absent is not told."""

    act: str
    engine: str
    reason: str
    outcome: str = ""
    of: str | None = None
    measured: float | None = None
    limit: float | None = None
    who: str | None = None
    plan: str | None = None
    record: int | None = None

    @staticmethod
    def _get_schema() -> str:
        return SCHEMA
