"""amltui: a terminal console for models deployed with Azure Machine Learning."""

import os

# Textual draws on a beat and may skip one: at its 60 Hz a key waits up to 33 ms for its frame.
os.environ.setdefault("TEXTUAL_FPS", "120")

__version__ = "0.1.0"
