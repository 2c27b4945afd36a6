"""The algorithm: a generator that yields requests and touches nothing outside."""
