"""The way from a task to the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context, TaskInstanceKey

    from thalweg_client import Settings

KEY = "thalweg_dashboard"


class ThalwegLink(BaseOperatorLink):
    """The page of what a task is about."""

    name = "Thalweg"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The address that the task has left."""
        found: Any = XCom.get_value(ti_key=ti_key, key=KEY)
        return str(found or "")


def leave(context: Context, settings: Settings, engine: str, topology: str = "") -> None:
    """Leaves the address of a page for the link. A topology is named by its id."""
    context["ti"].xcom_push(key=KEY, value=settings.page(engine, topology))
