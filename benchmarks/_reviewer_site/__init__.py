"""A site whose workflow asks what the scripted reviewer decides."""
