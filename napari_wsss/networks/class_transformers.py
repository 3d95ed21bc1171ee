"""One transformer block per class, all classes at once: the weights of all blocks are stacked along a first axis.

The block is pre-norm (x + attention(norm(x)), then x + feed-forward(norm(x))) as in EDAM (Wu et al., "Embedded
Discriminative Attention Mechanism for Weakly Supervised Semantic Segmentation", CVPR 2021), whose layer norm
divides by the unbiased standard deviation *plus* a constant; `torch.nn.LayerNorm` gives other values.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from napari_wsss.networks.traced import is_tracing

_EPSILON = 1e-6
# Attention scores held at once, over classes and heads; more are computed block by block (2**26 floats: 256 MiB).
SCORES_AT_ONCE = 2**26


class ClassLinear(nn.Module):
    """One affine map per class.

    Parameters
    ----------
    class_count, inputs, outputs : int

    Attributes
    ----------
    weight : (C, outputs, inputs)
        Xavier-uniform within each class.
    bias : (C, outputs)
    """

    def __init__(self, class_count: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(class_count, outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(class_count, outputs))
        for weight in self.weight.data:
            nn.init.xavier_uniform_(weight)

    def forward(self, tokens: Tensor, classes: Tensor) -> Tensor:
        """Return (K,L,outputs) of tokens (K,L,inputs), row k by the map of class ``classes[k]``."""
        return torch.baddbmm(self.bias[classes].unsqueeze(1), tokens, self.weight[classes].transpose(1, 2))


class ClassNorm(nn.Module):
    """One layer norm per class: a (x - mean) / (std + 1e-6) + b, with the unbiased standard deviation.

    Attributes
    ----------
    scale, shift : (C, channels)
        The paper's a and b.
    """

    def __init__(self, class_count: int, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(class_count, channels))
        self.shift = nn.Parameter(torch.zeros(class_count, channels))

    def forward(self, tokens: Tensor, classes: Tensor) -> Tensor:
        """Return (K,L,D) float32 of tokens (K,L,D)."""
        tokens = tokens.float()
        deviation, mean = torch.std_mean(tokens, dim=-1, keepdim=True)
        normalised = (tokens - mean) / (deviation + _EPSILON)
        return self.scale[classes].unsqueeze(1) * normalised + self.shift[classes].unsqueeze(1)


class ClassTransformers(nn.Module):
    """One pre-norm transformer block per class.

    Parameters
    ----------
    class_count : int
    channels : int
        D, a multiple of `heads`.
    heads : int
    feed_forward : int
        Width of the hidden layer.
    dropout : float
        On attention weights, on the hidden layer, on both residual branches and on the result.

    Raises
    ------
    ValueError
        When `channels` is no multiple of `heads`.
    """

    def __init__(self, class_count: int, channels: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{channels} channels cannot be shared by {heads} heads; expected a multiple of {heads}.")
        self.heads = heads
        self.attention_norm = ClassNorm(class_count, channels)
        self.query = ClassLinear(class_count, channels, channels)
        self.key = ClassLinear(class_count, channels, channels)
        self.value = ClassLinear(class_count, channels, channels)
        self.joined = ClassLinear(class_count, channels, channels)
        self.feed_forward_norm = ClassNorm(class_count, channels)
        self.widened = ClassLinear(class_count, channels, feed_forward)
        self.narrowed = ClassLinear(class_count, feed_forward, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, classes: Tensor) -> Tensor:
        """Return (K,L,D) of tokens (K,L,D), row k by the block of class ``classes[k]`` (K,) int64."""
        tokens = tokens + self.dropout(self._attended(self.attention_norm(tokens, classes), classes))
        hidden = self.widened(self.feed_forward_norm(tokens, classes), classes)
        hidden = self.dropout(F.gelu(hidden, approximate="tanh"))
        tokens = tokens + self.dropout(self.narrowed(hidden, classes))
        result: Tensor = self.dropout(tokens)
        return result

    def _attended(self, tokens: Tensor, classes: Tensor) -> Tensor:
        query, key, value = (
            part(tokens, classes).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (K, heads, L, D / heads)
            for part in (self.query, self.key, self.value)
        )
        found = attention(query, key, value, dropout=self.dropout.p if self.training else 0.0)
        joined: Tensor = self.joined(found.transpose(1, 2).flatten(2), classes)
        return joined


def attention(query: Tensor, key: Tensor, value: Tensor, *, dropout: float = 0.0, at_once: int = 0) -> Tensor:
    """Return softmax(q k^T / sqrt(d)) v (K,heads,L,d), exact, in memory that grows with L, not with its square.

    Parameters
    ----------
    query, key, value : (K, heads, L, d)
    dropout : float
        On the attention weights.
    at_once : int
        Scores held at once, `SCORES_AT_ONCE` by default: beyond it queries are worked off in blocks, and each
        block is computed again in the backward pass.
    """
    scores_per_query = query.shape[0] * query.shape[1] * key.shape[2]
    rows = max(1, (at_once or SCORES_AT_ONCE) // scores_per_query)
    # A graph that is written down holds for images of any size, so its blocks cannot be counted.
    if is_tracing() or rows >= query.shape[2]:
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    blocks = [
        checkpoint(F.scaled_dot_product_attention, block, key, value, None, dropout, use_reentrant=False)
        for block in torch.split(query, rows, dim=2)
    ]
    return torch.cat(blocks, dim=2)
