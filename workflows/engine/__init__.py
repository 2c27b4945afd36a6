"""The durable engine: pure Python, knows neither Django nor any database."""
