"""Airflow provider of Thalweg, an elastic scheduler for Apache Storm and Apache Flink."""

__version__ = "0.1.0"
