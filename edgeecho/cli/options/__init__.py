"""Options that commands share: their types, their groups, and their values for the library."""
