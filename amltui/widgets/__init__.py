"""Building blocks of the panes; they know nothing of Azure or Docker."""
