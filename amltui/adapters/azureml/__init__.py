"""Azure Machine Learning SDK v1, in a process of its own."""
