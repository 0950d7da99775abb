"""Options that commands share: their types, their groups, and what the code makes of them."""
