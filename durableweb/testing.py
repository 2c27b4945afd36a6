"""Time that a test moves; needs no Django. With Django set up, databases go by it, too."""

from workflows.engine.fake_clock import FakeClock, fake_clock

__all__ = ["FakeClock", "fake_clock"]
