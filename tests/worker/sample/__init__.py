"""An app whose workflows write down each thing they do, for tests that kill workers."""
