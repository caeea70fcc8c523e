"""The simulation office: past conversations driven through a law, and the report of what it would have asked."""
