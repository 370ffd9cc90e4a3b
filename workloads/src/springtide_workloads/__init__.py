"""The programs that run in Springtide's Jobs: a task in, a result out."""

__version__ = "0.1.0"
