"""The JSON API: programs ask the same services as pages do, with tokens for log-ins."""
