"""The companions office: which personas a service declares, and what a person must review before they are served."""
