"""Ready-made nodes for models that call tools; these need langchain-core."""
