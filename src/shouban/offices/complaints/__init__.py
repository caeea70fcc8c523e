"""Complaints, reports and appeals: filed by anybody, answered by a person within the published time, decided again by another on appeal."""
