"""Telemetry: logs, traces and metrics in standard forms. Nothing leaves unless it is configured."""
