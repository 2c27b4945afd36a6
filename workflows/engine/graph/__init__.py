"""StateGraph: from names to nodes and channels."""
