"""The errors that PartCLIPSeg raises on purpose: one sentence for the person at the screen."""


class PartCLIPSegError(Exception):
    """Base of every error with a message fit to be shown as it is."""


class InputError(PartCLIPSegError, ValueError):
    """A photo, prompt, file or setting that cannot be used; the message says what would work."""


class CheckpointError(PartCLIPSegError):
    """A checkpoint that is missing, damaged or made for another architecture."""


class ModelNotFoundError(PartCLIPSegError):
    """A model name that is unknown, or whose weights cannot be had here."""
