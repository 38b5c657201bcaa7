"""The agent as a driver starts it."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from thalweg_spark.driver import Driver
from thalweg_spark.errors import AgentError
from thalweg_spark.listener import Listener
from thalweg_spark.memory import Memory
from thalweg_spark.server import Server, parse_address, read_token


class Agent:
    """An agent that answers, until it is closed or its driver ends."""

    def __init__(self, spark: SparkSession, listener: Listener, server: Server) -> None:
        self._spark, self._listener, self._server = spark, listener, server

    @property
    def address(self) -> str:
        """Where it answers."""
        host, port = self._server.server_address[:2]
        shown = host.decode() if isinstance(host, (bytes, bytearray)) else host
        return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"

    def close(self) -> None:
        """Answers and listens no more. What was asked for stays."""
        self._server.close()
        self._spark.streams.removeListener(self._listener)


def start(spark: SparkSession, address: str, *, token_file: str | Path, most_executors: int | None = None) -> Agent:
    """Starts the agent of a driver, before or after its queries.

    It answers at this address of this machine, to who has the token in this file, and asks for no more executors than
    this.
    """
    if most_executors is not None and most_executors < 1:
        raise AgentError("TOO_FEW", "most_executors is 1 at least")
    place, token = parse_address(address), read_token(Path(token_file))
    memory = Memory()
    driver, listener = Driver(spark, memory, most_executors), Listener(memory)
    server = Server(place, token, driver.told, driver.ask)
    spark.streams.addListener(listener)
    return Agent(spark, listener, server)
