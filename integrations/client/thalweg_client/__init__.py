"""Asks ``thalweg serve`` and gives it orders."""

from thalweg_client.causes import Cause
from thalweg_client.client import AsyncClient, Client
from thalweg_client.errors import (
    AnswerLost,
    BadAnswer,
    Forbidden,
    Invalid,
    NotFound,
    NotNow,
    OrderFailed,
    OrderUnknown,
    Problem,
    Refused,
    SettingError,
    ThalwegError,
    Unauthorized,
    Unreachable,
)
from thalweg_client.judge import Verdict
from thalweg_client.model import Engine, Order, Pause, Plan, Record, Summary, Topology
from thalweg_client.placement import Candidate, Placement
from thalweg_client.settings import Settings

__all__ = [
    "AnswerLost",
    "AsyncClient",
    "BadAnswer",
    "Candidate",
    "Cause",
    "Client",
    "Engine",
    "Forbidden",
    "Invalid",
    "NotFound",
    "NotNow",
    "Order",
    "OrderFailed",
    "OrderUnknown",
    "Pause",
    "Placement",
    "Plan",
    "Problem",
    "Record",
    "Refused",
    "SettingError",
    "Settings",
    "Summary",
    "ThalwegError",
    "Topology",
    "Unauthorized",
    "Unreachable",
    "Verdict",
]
