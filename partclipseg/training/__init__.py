"""Training: data, simulated prompts, losses, loop. Imported by nobody but the command line."""


def run(*args, **kwargs):
    """See ``partclipseg.training.loop.run``; imported on use, because it brings in torch."""
    from partclipseg.training.loop import run as run_loop

    return run_loop(*args, **kwargs)
