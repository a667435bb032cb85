"""Other people's tools read what is written here, and what they write is read here."""
