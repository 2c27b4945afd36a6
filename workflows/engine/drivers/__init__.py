"""The only rooms that know threads, asyncio, clocks and savers."""
