"""Several processes on one training, started by ``torchrun``; alone, everything here does nothing.

Every process works on its share of each batch, DistributedDataParallel averages the gradients, and
the first process writes the files.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Team:
    """This process among ``size``; ``rank`` 0 writes.

    Attributes:
        device: where this process computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> nn.Module:
        """``module`` with gradients averaged over the team."""
        if self.size == 1:
            return module
        # A batch without, say, any object leaves weights without a gradient on one process.
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=ids, find_unused_parameters=True)

    def agree(self, flag: bool) -> bool:
        """What the first process says: clocks differ, and all have to stop at the same step."""
        if self.size == 1:
            return flag
        said = torch.tensor([float(flag)], device=self.device)
        distributed.broadcast(said, 0)
        return bool(said.item())

    def wait(self) -> None:
        """Until every process has come here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def team() -> Iterator[Team]:
    """The team that ``torchrun`` started (by its environment), or this process alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if size == 1:
        yield Team(device=device)
        return
    distributed.init_process_group("nccl" if cuda else "gloo")
    try:
        yield Team(distributed.get_rank(), size, device)
    finally:
        distributed.destroy_process_group()
