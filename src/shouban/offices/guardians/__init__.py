"""The guardians' office: how one becomes a child's guardian, what they see of the child, and what they may set."""
