"""Plans and the files they name, on disk."""
