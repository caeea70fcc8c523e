"""Shouban 守伴: keeps a companion-AI service lawful and its people safe."""

__version__ = "0.1.0"
