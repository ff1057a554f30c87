"""The version of the client, alone in a file so that every module may name it."""

__version__ = "0.1.0"
