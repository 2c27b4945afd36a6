"""Programs as LangGraph's public documentation teaches them, in our own words.

Each module is a workflow and `story(saver)`, which runs it and returns what it saw. Only
names that LangGraph has as well are used, so with the import changed it runs there too;
`recorded.json` holds what it saw there.
"""
