"""Items in namespaces, shared by all threads."""
