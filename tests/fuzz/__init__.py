"""Fuzzing of what reads bytes and words of strangers: ``python -m tests.fuzz --seconds 60``.

``targets`` has one entry function for each; ``mutation`` changes seeds at random where atheris,
which looks at the branches that are taken, is not installed.
"""
