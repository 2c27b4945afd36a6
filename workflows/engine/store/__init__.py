"""What all threads share: items in namespaces."""
