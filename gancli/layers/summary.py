"""What each layer of a network is, does and costs."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
# Matrix products, each with the place of its left factor among the arguments.
_PRODUCTS = {
    _aten.mm: 0, _aten.bmm: 0, _aten.mv: 0, _aten.addmm: 1, _aten.baddbmm: 1, _aten.addmv: 1,
}


@dataclass(frozen=True)
class LayerRow:
    """One module, as one item passes through the network.

    Args:
        name: Path of the module in the network; empty for the network itself.
        kind: Its class.
        output_shape: Shape of its output for one item, in its last run if it has several; empty if
            it was not called.
        parameters: Parameters that it owns itself, not through a child.
        multiply_adds: Multiply-adds of its own matrix products and convolutions, in all its runs.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def layer_table(network: nn.Module, run: Callable[[], object]) -> list[LayerRow]:
    """Return the layers of a network in the order in which they first compute.

    A module with children has a row if it owns parameters or multiplies matrices itself, as
    attention does. Parameters of modules that do not run come last, so every parameter is counted
    once.

    Args:
        network: The network, in evaluation mode.
        run: Passes one item through the network.
    """
    parameters: Counter[str] = Counter()
    for name, parameter in network.named_parameters():
        path = name.split(".")
        # A normalized weight belongs to the layer that it is the weight of.
        end = path.index("parametrizations") if "parametrizations" in path else -1
        parameters[".".join(path[:end])] += parameter.numel()
    trace = _Trace(network, set(parameters))
    hooks = [
        hook for module in network.modules() for hook in (
            module.register_forward_pre_hook(trace.enter), module.register_forward_hook(trace.leave)
        )
    ]
    try:
        with torch.no_grad(), trace:
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return [
        LayerRow(
            name, _kind(network.get_submodule(name)), trace.shapes.get(name, ()),
            parameters[name], trace.multiply_adds[name],
        )
        for name in dict.fromkeys([*trace.multiply_adds, *parameters])
    ]


class _Trace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees the operators of a run and which module each belongs to.

    Args:
        network: The network whose modules call ``enter`` and ``leave``.
        owners: Names of the modules that own parameters.

    Attributes:
        multiply_adds: Of each module that computes, by name.
        shapes: Of each such module's last output, without the batch.
    """

    def __init__(self, network: nn.Module, owners: set[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._names = {module: name for name, module in network.named_modules()}
        self._owners = owners
        # What runs outside of any module counts as the network's own.
        self._running = [network]
        self.multiply_adds: Counter[str] = Counter()
        self.shapes: dict[str, tuple[int, ...]] = {}

    def enter(self, module: nn.Module, _inputs: Any) -> None:
        self._running.append(module)

    def leave(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        self._running.pop()
        name = self._names[module]
        if _normalizes(name) or not (
            _is_layer(module) or name in self._owners or name in self.multiply_adds
        ):
            return
        self.multiply_adds[name] += _recurrent_multiply_adds(module, output)
        tensor = output[0] if isinstance(output, tuple) else output
        if isinstance(tensor, torch.Tensor):
            self.shapes[name] = tuple(tensor.shape[1:])

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        with self:  # in inference mode, composite operators arrive whole
            output = operator.decompose(*args, **kwargs or {})
        if output is NotImplemented:
            output = operator(*args, **kwargs or {})
        # The kernels of recurrent layers differ; their cost follows from the size of the weights.
        if not isinstance(self._running[-1], nn.RNNBase):
            multiply_adds = _multiply_adds(operator.overloadpacket, args, output)
            name = self._names[self._running[-1]]
            if multiply_adds and not _normalizes(name):
                self.multiply_adds[name] += multiply_adds
        return output


def _normalizes(name: str) -> bool:
    """Return whether a module is what normalizes a weight, which is not a layer."""
    return "parametrizations" in name.split(".")


def _is_layer(module: nn.Module) -> bool:
    """Return whether a module has no children besides what normalizes its weight."""
    return not isinstance(module, nn.Identity) and all(
        child == "parametrizations" for child, _ in module.named_children()
    )


def _kind(module: nn.Module) -> str:
    """Return a layer's class; torch derives a new one where spectral norm is at work."""
    return type(module).__name__.removeprefix("Parametrized")


def _multiply_adds(operator: Any, args: tuple[Any, ...], output: Any) -> int:
    """Return the multiply-adds of an operator, without a bias."""
    if operator in _PRODUCTS:
        return int(output.numel() * args[_PRODUCTS[operator]].shape[-1])
    if operator is _aten.convolution:
        x, weight, transposed = args[0], args[1], args[6]
        # Every position of the one meets a kernel; of a transposed convolution that is the input.
        positions = math.prod((x if transposed else output).shape[2:])
        return int(len(x) * positions * weight.numel())
    return 0


def _recurrent_multiply_adds(module: nn.Module, output: Any) -> int:
    """Return the multiply-adds of a recurrent layer: every weight is used once a step."""
    if not isinstance(module, nn.RNNBase):
        return 0
    hidden: torch.Tensor = output[0]
    return hidden.numel() // hidden.shape[-1] * sum(
        parameter.numel() for name, parameter in module.named_parameters() if "weight" in name
    )
