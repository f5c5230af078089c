"""Blocking code that knows an SDK; the only place that does."""
