"""Batch norm (Ioffe and Szegedy, "Batch Normalization", ICML 2015) that can learn from one value per channel.

One image leaves a single value where it is pooled, and where its deepest map has a single position.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_wsss.networks.across import count


class BatchNorm(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d`, which refuses a single value per channel in training; any more are none of its business.

    One value x has no variance. It is normalised by the running statistics, which first learn from it what it can
    tell, with the momentum m: exponentially weighted ones, except that the variance only grows::

        d = x - mean,    mean <- mean + m d,    var <- max(var, (1 - m) (var + m d^2))

    The result is thus never larger than sqrt((1 - m) / m), 3 at the usual m of 0.1, before scale and shift. A spread
    may turn out to be larger by one value, never smaller: a picture seen again and again would shrink it to nothing.

    Without this, what image pooling gives at batch size 1 is as large as the features are, and they know no bound in
    a trunk without norm. The norm that follows takes away what is constant over an image, so that the pooled
    branch has a gradient of 0; computed, it is the rounding error of those features, and whether a training survives
    it is decided by seed and processor.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (B,C,h,w), normalised by the batch, or by the running statistics."""
        if not self.training or count(x.numel()) > x.shape[1]:
            return super().forward(x)
        mean, variance = self._learned(x.detach().flatten())
        return F.batch_norm(x, mean, variance, self.weight, self.bias, False, 0.0, self.eps)

    def _learned(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Let the running statistics learn from values (C,), and return copies: what runs later changes them again."""
        mean, variance, share = self.running_mean, self.running_var, self.momentum
        assert mean is not None
        assert variance is not None
        assert share is not None
        away = values.to(mean.dtype) - mean
        # Replaced, not changed in place: another run of this module may wait for its backward pass with the old ones.
        self.running_mean = mean + share * away
        self.running_var = torch.maximum(variance, (1 - share) * (variance + share * away.square()))
        return self.running_mean.clone(), self.running_var.clone()
