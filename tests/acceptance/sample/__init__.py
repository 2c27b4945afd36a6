"""An app whose workflows note what they do, for stories about a whole site."""
