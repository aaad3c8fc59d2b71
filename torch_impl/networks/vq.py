"""Vector quantisation: nearest codeword, straight-through gradient, codebook by gradient or by moving averages.

Between two optimizer steps only the pending sums change; `VectorQuantizer.update_` then moves the codebook,
by the same amount in all processes.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from torch_impl.data import counter
from torch_impl.ops.combine import coefficient_dtype

__all__ = ["Quantized", "VectorQuantizer"]

Codebook = Literal["ema", "gradient"]


class Quantized(NamedTuple):
    """Feature map after quantisation, and what is to be minimised."""

    z: Tensor
    """Codewords with the gradient of the encoder's output, (batch, code_dim, h, w)."""
    codes: Tensor
    """Index of each codeword, (batch, h, w), int64."""
    codebook_loss: Tensor
    """mean of (sg[z_e] - e)^2, trains the codebook; 0 where it moves by averages."""
    commitment_loss: Tensor
    """mean of (z_e - sg[e])^2, trains the encoder."""
    perplexity: Tensor
    """exp of the entropy of the codes used in this batch (of this process), in 1..codes."""


def _place() -> tuple[int, int]:
    """(rank, number of processes)."""
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def nearest_rows(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Index of the nearest row of a codebook (K, dim) for each of (n, dim) vectors, int64; the first of equals.

    ||z - e||^2 - ||z||^2 = e^2 - 2 z e is one matrix product, but cancels where all lie far from the origin.  So both
    are first moved by the codebook's mean; on a CPU the product is then taken in float64, where what is left of the
    cancellation is below what float32 can tell apart; elsewhere the eight best are compared by their differences.
    """
    wide = torch.float64 if vectors.device.type == "cpu" else coefficient_dtype(vectors.dtype)
    centre = codebook.to(wide).mean(0)
    e, z = codebook.to(wide) - centre, vectors.to(wide) - centre
    scores = torch.addmm(e.square().sum(1), z, e.t(), beta=1, alpha=-2)
    if vectors.device.type == "cpu":
        return scores.argmin(dim=1)
    return _nearest_of_likely(z, e, scores)


def _nearest_of_likely(z: Tensor, e: Tensor, scores: Tensor, likely: int = 8) -> Tensor:
    """Of the rows of e with the least scores, the one nearest by the differences themselves; the first of equals."""
    rows = scores.topk(min(likely, len(e)), largest=False).indices.sort(dim=1).values
    best = (z[:, None] - e[rows]).square().sum(2).argmin(dim=1, keepdim=True)
    return rows.gather(1, best).squeeze(1)


class VectorQuantizer(nn.Module):
    """k* = argmin_k ||z_e - e_k||^2,  z_q = z_e + sg[e_{k*} - z_e].

    Claims `planned:vqvae.quantize`, `vqvae.straight_through`, `vqvae.loss.gradients`,
    `planned:vqvae.codebook.ema`.

    Args:
        codes: number K of codewords.
        dim: entries of a codeword.
        codebook: "gradient" (a parameter, trained by `codebook_loss`) or "ema" (a buffer, moved by averages).
        decay: gamma of the averages, in [0, 1).
        revive_below: a codeword whose average count falls below this share of the mean count is dead and takes the
            place of an encoder output of the last batch; its averages restart there too.  0 turns revival off.
        seed: of the choice of encoder outputs, a pure function of (seed, update, codeword).

    The first update revives every codeword: the codebook starts as encoder outputs.  `DistributedDataParallel` wants
    `broadcast_buffers=False`: the buffers here agree in all processes by construction.
    """

    average_count: Tensor
    average_sum: Tensor
    updates: Tensor
    pending_count: Tensor
    pending_sum: Tensor
    candidates: Tensor

    def __init__(
        self,
        codes: int,
        dim: int,
        codebook: Codebook = "ema",
        decay: float = 0.99,
        revive_below: float = 0.03,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.codes, self.dim, self.by_gradient = codes, dim, codebook == "gradient"
        self.decay, self.revive_below = decay, revive_below
        self._key = counter.key(seed, "codebook")
        start = torch.randn(codes, dim)
        self.codebook: Tensor
        if self.by_gradient:
            self.codebook = nn.Parameter(start)
        else:
            self.register_buffer("codebook", start)
        self.register_buffer("average_count", torch.ones(codes))  # N_k
        self.register_buffer("average_sum", start.clone())  # m_k; e_k = m_k / N_k
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
        self.register_buffer("pending_count", torch.zeros(codes), persistent=False)
        self.register_buffer("pending_sum", torch.zeros(codes, dim), persistent=False)
        self.register_buffer("candidates", torch.zeros(codes, dim), persistent=False)

    def nearest(self, vectors: Tensor) -> Tensor:
        """Index of the nearest codeword for each of (n, dim) vectors, int64."""
        with torch.autocast(vectors.device.type, enabled=False):
            return nearest_rows(vectors.detach(), self.codebook.detach())

    def lookup(self, codes: Tensor) -> Tensor:
        """Codewords (batch, dim, h, w) of codes (batch, h, w)."""
        return F.embedding(codes, self.codebook).permute(0, 3, 1, 2)

    def forward(self, z: Tensor) -> Quantized:
        """Quantise a feature map (batch, dim, h, w); in training also note which vectors fell to which codeword."""
        n, _, height, width = z.shape
        with torch.autocast(z.device.type, enabled=False):  # distances in half precision pick wrong neighbours
            vectors = z.permute(0, 2, 3, 1).reshape(-1, self.dim).to(coefficient_dtype(z.dtype))
            codes = self.nearest(vectors.detach())  # 0D14
            member = (codes[:, None] == torch.arange(self.codes, device=z.device)).to(vectors.dtype)
            count = member.sum(0)
            if self.training:
                self._note(vectors.detach(), member, count)
            e = F.embedding(codes, self.codebook)
            commitment = F.mse_loss(vectors, e.detach())
            codebook = F.mse_loss(e, vectors.detach()) if self.by_gradient else torch.zeros_like(commitment)
            share = count / count.sum()
            perplexity = torch.exp(-torch.special.xlogy(share, share).sum())
            quantized = vectors + (e - vectors).detach()  # 0D11
            quantized = quantized.reshape(n, height, width, self.dim).permute(0, 3, 1, 2)
        return Quantized(quantized.to(z.dtype), codes.reshape(n, height, width), codebook, commitment, perplexity)

    @torch.no_grad()
    def _note(self, vectors: Tensor, member: Tensor, count: Tensor) -> None:
        """Add this batch to the pending sums; pick a vector of the global batch for each codeword that may be dead."""
        self.pending_count += count
        self.pending_sum += member.t() @ vectors
        rank, processes = _place()
        here = vectors.shape[0]
        index = torch.arange(self.codes, device=vectors.device) + self.updates * self.codes
        chosen = (counter.uniform(self._key, index) * (here * processes)).long() - rank * here
        mine = (chosen >= 0) & (chosen < here)
        self.candidates.copy_(vectors[chosen.clamp(0, here - 1)] * mine[:, None])

    @torch.no_grad()
    def update_(self) -> Tensor:
        """Move the codebook by what training batches showed since the last call; call once per optimizer step.

            N_k <- gamma N_k + (1 - gamma) n_k,   m_k <- gamma m_k + (1 - gamma) sum z_i,   e_k = m_k / N_k

        A codeword to which nothing fell keeps its place to the last bit: there e_k stays and m_k = e_k N_k, which is
        the same in exact arithmetic, and which rounding and underflow of a long disuse cannot move.
        Counts and sums are first added over all processes, so every process ends with the same codebook.
        Returns which codewords were revived, bool (codes,): an optimizer may forget its moments for these rows.
        """
        seen = torch.cat((self.pending_count[:, None], self.pending_sum, self.candidates), dim=1)
        if _place()[1] > 1:
            dist.all_reduce(seen)
        count, total, candidates = seen[:, 0], seen[:, 1 : 1 + self.dim], seen[:, 1 + self.dim :]
        self.average_count.lerp_(count, 1 - self.decay)
        self.average_sum.lerp_(total, 1 - self.decay)
        if not self.by_gradient:
            used, weights = (count > 0)[:, None], self.average_count[:, None]
            self.average_sum.copy_(torch.where(used, self.average_sum, self.codebook * weights))
            self.codebook.copy_(torch.where(used, self.average_sum / weights, self.codebook))  # 0A4Q
        revived = self._revive(candidates) if self.revive_below > 0 else torch.zeros_like(count, dtype=torch.bool)
        self.pending_count.zero_()
        self.pending_sum.zero_()
        self.updates += 1
        return revived

    def _revive(self, candidates: Tensor) -> Tensor:
        usual = self.average_count.mean()
        dead = (self.average_count < self.revive_below * usual) | (self.updates == 0)
        rows = dead[:, None]
        self._overwrite(rows, candidates)
        self.average_count.copy_(torch.where(dead, usual, self.average_count))
        self.average_sum.copy_(torch.where(rows, candidates * usual, self.average_sum))
        return dead

    def _overwrite(self, rows: Tensor, values: Tensor) -> None:
        """Put values into chosen rows of the codebook; one that FSDP has sharded is gathered and dealt out again."""
        codebook = self.codebook
        if not hasattr(codebook, "full_tensor"):
            codebook.copy_(torch.where(rows, values, codebook))
            return
        from torch.distributed.tensor import DTensor, distribute_tensor

        assert isinstance(codebook, DTensor)
        whole = torch.where(rows, values, codebook.full_tensor())
        codebook.copy_(distribute_tensor(whole, codebook.device_mesh, codebook.placements))
