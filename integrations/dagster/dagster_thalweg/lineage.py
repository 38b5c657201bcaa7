"""What ops ask of Thalweg, as OpenLineage events with a facet of reason and outcome.

They go to the server that the variable ``OPENLINEAGE_URL`` names (``OPENLINEAGE_API_KEY`` holds its key), and nowhere
if it names none. A server that does not take them is a warning in the log, and stops nothing.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from thalweg_client import Unreachable
from thalweg_client.lineage import EventType, Told, event, run_id, send

#: Seconds that a server may take for an event.
TIMEOUT = 5.0


@contextmanager
def lineage(context: dg.OpExecutionContext, act: str, engine: str, of: str, reason: str) -> Iterator[dict[str, Any]]:
    """Tells the begin and the end of what an op asks of Thalweg; what came of it is put into what this gives."""
    came_to: dict[str, Any] = {}
    _tell(context, "START", Told(act, engine, reason, of=of))
    try:
        yield came_to
    except BaseException:
        _tell(context, "FAIL", _told((act, engine, of, reason), came_to, "failed"))
        raise
    _tell(context, "COMPLETE", _told((act, engine, of, reason), came_to, "done"))


def _told(begun: tuple[str, str, str, str], came_to: Mapping[str, Any], outcome: str) -> Told:
    act, engine, of, reason = begun
    return Told(
        act,
        engine,
        str(came_to.get("why") or reason),
        str(came_to.get("answer") or came_to.get("state") or outcome),
        str(came_to.get("candidate") or of),
        came_to.get("measured"),
        came_to.get("limit"),
        plan=came_to.get("plan") if act == "scale" else None,
    )


def _tell(context: dg.OpExecutionContext, kind: EventType, told: Told) -> None:
    url = os.environ.get("OPENLINEAGE_URL")
    if not url:
        return
    run = run_id("dagster", context.run_id, str(context.op_handle), str(context.retry_number))
    job = (os.environ.get("OPENLINEAGE_NAMESPACE") or "dagster", f"{context.job_name}.{context.op_handle}")
    made = event(kind, int(time.time() * 1000), run, job, told)
    try:
        send(url, [made], os.environ.get("OPENLINEAGE_API_KEY", ""), TIMEOUT)
    except Unreachable as error:
        context.log.warning("%s", error)
