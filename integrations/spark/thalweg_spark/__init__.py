"""Agent in the driver of Spark Structured Streaming: what Thalweg sees its queries by."""

from thalweg_spark.agent import Agent, start
from thalweg_spark.errors import AgentError

__all__ = ["Agent", "AgentError", "start"]
