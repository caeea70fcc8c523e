"""The register of processors: who receives words of persons, on what basis, and who has approved it."""
