"""The people office: who is registered, as what, with which contacts and consents, and what is theirs."""
