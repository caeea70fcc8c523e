"""What all tests share: Hypothesis without a clock, and both databases."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from tests.postgres import database_url, postgres_server, postgresql_url, sqlite_template

__all__ = ["database_url", "postgres_server", "postgresql_url", "sqlite_template"]

# A busy machine is no failure. Tests that take a fixture and give it back clean for each example say so themselves.
settings.register_profile("shouban", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shouban")
