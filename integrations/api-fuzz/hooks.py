"""What the document of the interface cannot say of its parameters, so that what fits it is what the server takes."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext


@schemathesis.hook
def map_case(context: HookContext, case: Case[Any]) -> Case[Any]:
    """Leaves out cursors that nobody gave where the request is to be taken: a page's own begins with its hash."""
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE and case.query:
        case.query.pop("cursor", None)
    return case
