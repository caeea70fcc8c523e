"""The staff's office: accounts and roles, a person's record without words, and the glass that may be broken to read them."""
