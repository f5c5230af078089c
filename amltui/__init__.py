"""amltui: a terminal console for models deployed with Azure Machine Learning."""

__version__ = "0.1.0"
