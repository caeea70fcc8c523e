"""Restrictions of a person's service: proposed, confirmed by another, appealed to a third, reported to the authority; help stays open."""
