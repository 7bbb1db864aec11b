"""LLM cells for Jupyter: guarded, cached, priced, recorded and re-runnable."""
