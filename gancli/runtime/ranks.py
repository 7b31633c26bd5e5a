"""Processes that compute one training together, each a part of every batch.

They do what one process would do: each draws the random numbers of the whole batch and computes its
own items (:class:`gancli.runtime.shard.Shard`). Losses are sums over a process's items, divided by
what the whole batch has, so that gradients and losses only have to be added up.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist

from gancli.errors import GancliError, UsageError
from gancli.runtime.launch import launch

# How long a process waits for the others. Rank 0 measures, saves and decodes while they wait; one
# that died closes its connections, which ends the wait at once.
_PATIENCE = timedelta(hours=6)


class RankLost(GancliError):
    """Another process ended, or the connection to it."""


class Ranks:
    """The processes that share a batch, and this one's number among them.

    Args:
        rank: This process, from 0.
        world: How many there are.
        linked: Whether they exchange what they compute. Without, this process computes its part of
            a step and the sums lack the others' parts, which is enough to time it.
    """

    def __init__(self, rank: int = 0, world: int = 1, *, linked: bool = False) -> None:
        self.rank, self.world, self.linked = rank, world, linked

    def sum(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of all processes' tensors, which have one shape; without a gradient."""
        return self._reduced(x, dist.ReduceOp.SUM) if self.linked else x.detach()

    def maximum(self, x: torch.Tensor) -> torch.Tensor:
        """Return the largest values of all processes' tensors, which have one shape."""
        return self._reduced(x, dist.ReduceOp.MAX) if self.linked else x.detach()

    def differentiable_sum(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of all processes' tensors, through which gradients of any order pass."""
        total: torch.Tensor = _Sum.apply(x, self) if self.linked else x
        return total

    @torch.no_grad()
    def sum_gradients(self, gradients: Sequence[torch.Tensor]) -> None:
        """Replace gradients by their sums over all processes, in one exchange."""
        if not self.linked:
            return
        total = self.sum(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        parts = torch.split(total, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    @torch.no_grad()
    def send(self, tensors: Sequence[torch.Tensor]) -> None:
        """Give all processes rank 0's values."""
        with _connected():
            for tensor in tensors:
                whole = tensor.contiguous()
                dist.broadcast(whole, 0)
                tensor.copy_(whole)

    def tell(self, message: bytes = b"") -> bytes:
        """Return rank 0's message on all processes."""
        length = torch.tensor([len(message)])
        self.send([length])
        content = torch.zeros(int(length), dtype=torch.uint8)
        if self.rank == 0:
            content = torch.frombuffer(bytearray(message), dtype=torch.uint8)
        self.send([content])
        return content.numpy().tobytes()

    def wait(self) -> None:
        """Return once all processes are here."""
        self.sum(torch.zeros(1))

    def _reduced(self, x: torch.Tensor, operation: "dist.ReduceOp.RedOpType") -> torch.Tensor:
        total = x.detach().clone(memory_format=torch.contiguous_format)
        with _connected():
            dist.all_reduce(total, operation)
        return total


class _Sum(torch.autograd.Function):
    """The sum over all processes, whose gradient is the sum of theirs, by the same function.

    Gradient penalties need its second derivative, which torch's SyncBatchNorm does not have.
    """

    @staticmethod
    def forward(ctx, x: torch.Tensor, ranks: Ranks) -> torch.Tensor:  # type: ignore[no-untyped-def] # noqa: ANN001
        ctx.ranks = ranks
        return ranks.sum(x)

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[no-untyped-def] # noqa: ANN001
        return ctx.ranks.differentiable_sum(gradient), None


@contextmanager
def _connected() -> Iterator[None]:
    """Give a context in which a broken connection is an error that a person understands."""
    try:
        yield
    except RuntimeError as error:
        raise RankLost("Another process of this training ended, so it cannot continue.") from error


ALONE = Ranks()
_active = ALONE


def active() -> Ranks:
    """Return the processes that compute the present step together."""
    return _active


@contextmanager
def working(ranks: Ranks) -> Iterator[None]:
    """Give a context in which a step is computed by these processes together.

    Outside of it layers and updates know of this process alone, so that rank 0 can measure, and
    time steps, while the others wait.
    """
    global _active
    before, _active = _active, ranks
    try:
        yield
    finally:
        _active = before


def outlive_torchrun() -> None:
    """Ignore the SIGTERM that torchrun sends once a process has ended, to report why first."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@contextmanager
def joined() -> Iterator[Ranks]:
    """Give the processes that torchrun has started, connected; this one alone without torchrun.

    The connections are those of gloo for tensors on the CPU and NCCL for those on CUDA; the latter
    was written without a machine to run it on.

    Raises:
        GancliError: This build of torch cannot connect processes, or they cannot be reached.
    """
    here = launch()
    if here.world == 1:
        yield ALONE
        return
    if not dist.is_available():
        raise UsageError(
            "This build of torch cannot connect processes.", "Train without torchrun."
        )
    backend = "gloo"
    if torch.cuda.is_available() and dist.is_nccl_available():
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(here.local_rank % torch.cuda.device_count())
    try:
        dist.init_process_group(backend, timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        raise GancliError(
            f"The processes of this training cannot reach each other: {reason}.",
            "Check what torchrun is given as --rdzv-endpoint, and the network.",
        ) from error
    try:
        yield Ranks(here.rank, here.world, linked=True)
    except RankLost:
        outlive_torchrun()
        raise
    finally:
        dist.destroy_process_group()
