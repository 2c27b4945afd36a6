"""Use cases, one verb a file: who may, what changes, what is told."""
