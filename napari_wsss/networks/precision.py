"""Which precision inference runs in: bfloat16 only where it is faster *and* gives the same result."""

from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.device import bf16_pays

Network = TypeVar("Network", bound=nn.Module)

# Half of what a whole image may differ by: the probe is one view of one picture.
_TOLERANCE = 5e-3
_PROBE_SIDE = 161
_AGREES: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def inference_precision(wanted: str, network: Network, run: Callable[[Network, Tensor], Tensor]) -> str:
    """Return ``float32`` or ``bfloat16``.

    Parameters
    ----------
    wanted : str
        ``float32`` and ``bfloat16`` are obeyed; ``auto`` is bfloat16 where it `bf16_pays` on the network's device
        and changes no result in [0, 1] on a probe picture by more than 0.005. Networks differ: rounding adds up over
        the many thin layers of MobileNetV2, less over those of a ResNet.
    network : Module
        In evaluation mode, weights fixed (the answer is remembered).
    run : callable
        Returns the network's result in [0, 1] on a batch (B,3,H,W).
    """
    if wanted != "auto":
        return wanted
    device = next(network.parameters()).device
    if not bf16_pays(device):
        return "float32"
    if network not in _AGREES:
        _AGREES[network] = _agrees(network, run, device)
    return "bfloat16" if _AGREES[network] else "float32"


def _agrees(network: Network, run: Callable[[Network, Tensor], Tensor], device: torch.device) -> bool:
    coarse = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    probe = F.interpolate(coarse, (_PROBE_SIDE, _PROBE_SIDE), mode="bicubic").to(device)
    with torch.no_grad():
        exact = run(network, probe).float()
        with torch.autocast(device.type, torch.bfloat16):
            rounded = run(network, probe).float()
    return bool((exact - rounded).abs().max() <= _TOLERANCE)
