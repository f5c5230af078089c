"""What a person works in: one screen and one stylesheet each."""
