"""The async facade over the blocking adapters; the only thing a pane calls."""
