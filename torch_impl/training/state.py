"""Weights, averages and optimizer state as tensors by name: out of live modules and back, whole or sharded.

One process, or several with DDP: whole tensors in `<part>.safetensors`.  FSDP: every process writes its shards
through `torch.distributed.checkpoint` in its safetensors format (its default format is a pickle and is not used).
Either kind loads into any number of processes and either kind of parallelism.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from torch_impl.files import UnusableFile
from torch_impl.training.ema import canonical_name, local_part, unwrap
from torch_impl.training.stored import CheckpointDamaged, StoredCheckpoint
from torch_impl.training.tensors import TensorFacts, refuse_nonfinite, refuse_other_tensors

__all__ = [
    "is_sharded_checkpoint",
    "load_optimizer",
    "load_part",
    "load_state_tensors",
    "optimizer_tensors",
    "part_facts",
    "refuse_other_optimizer",
    "refuse_other_part",
    "save_shards",
    "state_tensors",
]

_SEPARATOR = "::"  # between a parameter's name and the name of one of its optimizer states


def state_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers by canonical name."""
    return {canonical_name(name): tensor for name, tensor in unwrap(module).state_dict().items()}


def optimizer_tensors(optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """The optimizer's tensors, named `<parameter>::<state>`."""
    return {
        f"{canonical_name(name)}{_SEPARATOR}{key}": value
        for name, parameter in parameters.items()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def save_shards(folder: Path, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Write this process's shards of all parts; called by every process."""
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    folder.mkdir(exist_ok=True)
    tensors = {f"{part}/{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
    save(tensors, storage_writer=HuggingFaceStorageWriter(str(folder), save_distributed=True))


def _shards_facts(checkpoint: StoredCheckpoint) -> dict[str, TensorFacts]:
    """What whole tensors the shards of a checkpoint make up; none of them larger than all shards together.

    Raises:
        CheckpointDamaged: they are not what `save_shards` writes.
    """
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader

    folder = checkpoint.path / "shards"
    files = sorted(folder.glob("*.safetensors"))
    held = sum(facts.bytes for file in files for facts in checkpoint.header(f"shards/{file.name}").values())
    try:
        metadata = HuggingFaceStorageReader(str(folder)).read_metadata()
        found = {
            name: TensorFacts(entry.properties.dtype, tuple(entry.size))  # type: ignore[union-attr]  # only tensors are saved
            for name, entry in metadata.state_dict_metadata.items()
        }
    except (Exception, CheckpointException) as error:  # metadata from anywhere let many kinds of errors out
        what = f"its shards cannot be put together ({type(error).__name__}: {error})"
        raise CheckpointDamaged(folder, what) from None
    if sum(facts.bytes for facts in found.values()) > held:
        raise CheckpointDamaged(folder, "its shards claim larger tensors than they hold")
    return found


def _load_shards(folder: Path, targets: dict[str, Tensor]) -> None:
    """Fill tensors (whole, or DTensors of which each process holds its shard) from shards of any layout."""
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.state_dict_loader import load

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="torch.distributed is disabled, unavailable or uninitialized")
            load(targets, storage_reader=HuggingFaceStorageReader(str(folder)), no_dist=not dist.is_initialized())
    except (Exception, CheckpointException) as error:  # as above
        reason = " ".join(str(error).split())[-80:]
        raise CheckpointDamaged(folder, f"its shards cannot be read ({type(error).__name__}: {reason})") from None


def part_facts(checkpoint: StoredCheckpoint, part: str) -> dict[str, TensorFacts]:
    """Names, dtypes and shapes of one part's tensors, whole, of either kind of checkpoint; none is read.

    Raises:
        CheckpointDamaged: the checkpoint has no such part, or it is no such file.
    """
    if is_sharded_checkpoint(checkpoint):
        prefix = f"{part}/"
        found = _shards_facts(checkpoint).items()
        facts = {name.removeprefix(prefix): one for name, one in found if name.startswith(prefix)}
        if not facts:
            raise CheckpointDamaged(checkpoint.path / f"{part}.safetensors", "it is missing")
        return facts
    return checkpoint.header(f"{part}.safetensors")


def is_sharded_checkpoint(checkpoint: StoredCheckpoint) -> bool:
    """Whether its tensors lie in shards, as FSDP runs write them."""
    return (checkpoint.path / "shards").is_dir()


def load_part(checkpoint: StoredCheckpoint, part: str) -> dict[str, Tensor]:
    """All tensors of one part, whole, on the CPU, finite, from either kind of checkpoint; needs no process group.

    Raises:
        CheckpointDamaged: the checkpoint has no such part, it is no such file, or holds NaN.
    """
    if not is_sharded_checkpoint(checkpoint):
        return checkpoint.tensors(f"{part}.safetensors")
    facts = part_facts(checkpoint, part)
    targets = {name: torch.empty(one.shape, dtype=one.dtype) for name, one in facts.items()}
    _load_shards(checkpoint.path / "shards", {f"{part}/{name}": tensor for name, tensor in targets.items()})
    _refuse_nonfinite_shards(checkpoint, targets)
    return targets


def _refuse_nonfinite_shards(checkpoint: StoredCheckpoint, tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        try:
            refuse_nonfinite(checkpoint.path / "shards", name, local_part(tensor))
        except UnusableFile as error:
            raise CheckpointDamaged(error.path, error.what) from None


@torch.no_grad()
def _fill(target: Tensor, source: Tensor) -> None:
    """Copy a whole tensor into a tensor or into this process's shard of a DTensor."""
    mesh = getattr(target, "device_mesh", None)
    if mesh is None:
        target.copy_(source)
        return
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(target, DTensor)
    target.to_local().copy_(
        distribute_tensor(source.to(target.device), mesh, target.placements, src_data_rank=None).to_local()
    )


def refuse_other_part(checkpoint: StoredCheckpoint, part: str, module: nn.Module) -> None:
    """Refuse a part whose tensors are not the module's by name, shape and dtype; none is read.

    Raises:
        CheckpointDamaged: as `part_facts`.
        ValueError: naming what differs.
    """
    wanted = {name: TensorFacts.of(tensor) for name, tensor in state_tensors(module).items()}
    refuse_other_tensors(_place(checkpoint, part), part_facts(checkpoint, part), wanted)


def _place(checkpoint: StoredCheckpoint, part: str) -> Path:
    return checkpoint.path / ("shards" if is_sharded_checkpoint(checkpoint) else f"{part}.safetensors")


def load_state_tensors(checkpoint: StoredCheckpoint, part: str, module: nn.Module) -> None:
    """Fill a module's parameters and buffers, in place.

    Raises:
        CheckpointDamaged: as `part_facts`, or a number is not finite.
        ValueError: names, shapes or dtypes differ from the module's.
    """
    refuse_other_part(checkpoint, part, module)
    targets = state_tensors(module)
    if is_sharded_checkpoint(checkpoint):
        _load_shards(checkpoint.path / "shards", {f"{part}/{name}": tensor for name, tensor in targets.items()})
        _refuse_nonfinite_shards(checkpoint, targets)
        return
    stored = checkpoint.tensors(f"{part}.safetensors")
    for name, target in targets.items():
        _fill(target, stored[name])


_MOMENTS = {"step", "exp_avg", "exp_avg_sq"}


def refuse_other_optimizer(checkpoint: StoredCheckpoint, parameters: Mapping[str, nn.Parameter]) -> None:
    """Refuse an AdamW state that is not of these parameters; no tensor is read.

    Raises:
        CheckpointDamaged: as `part_facts`.
        ValueError: naming what differs.
    """
    place, facts = _place(checkpoint, "optimizer"), part_facts(checkpoint, "optimizer")
    by_name = {canonical_name(name): parameter for name, parameter in parameters.items()}
    seen: dict[str, set[str]] = {}
    for full, (dtype, shape) in facts.items():
        name, _, key = full.rpartition(_SEPARATOR)
        if name not in by_name or key not in _MOMENTS:
            raise ValueError(f"{place} has optimizer state for {full[:80]!r}, which is no parameter of this model")
        wanted = () if key == "step" else tuple(by_name[name].shape)
        if shape != wanted or not dtype.is_floating_point:
            raise ValueError(f"{place}: {full} has shape {shape} and type {dtype}; {wanted} of a float is needed")
        seen.setdefault(name, set()).add(key)
    for name, keys in seen.items():
        if keys != _MOMENTS:
            raise ValueError(f"{place} has no {sorted(_MOMENTS - keys)[0]} of {name}")


def load_optimizer(
    checkpoint: StoredCheckpoint, optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> None:
    """Give every parameter its stored optimizer state, in the parameter's own memory layout and sharding.

    Raises:
        CheckpointDamaged, ValueError: as `refuse_other_optimizer`, or a number is not finite.
    """
    refuse_other_optimizer(checkpoint, parameters)
    by_name = {canonical_name(name): parameter for name, parameter in parameters.items()}
    targets: dict[str, Tensor] = {}
    for full, (dtype, shape) in part_facts(checkpoint, "optimizer").items():
        name, _, key = full.rpartition(_SEPARATOR)
        parameter = by_name[name]
        like = shape == tuple(parameter.shape) and len(shape) > 0
        target = (
            torch.zeros_like(parameter, dtype=dtype)
            if like
            else torch.zeros(shape, dtype=dtype, device=parameter.device)
        )
        optimizer.state[parameter][key] = targets[full] = target.detach()
    if is_sharded_checkpoint(checkpoint):
        _load_shards(checkpoint.path / "shards", {f"optimizer/{name}": tensor for name, tensor in targets.items()})
        _refuse_nonfinite_shards(checkpoint, targets)
    else:
        whole = checkpoint.tensors("optimizer.safetensors")
        for name, tensor in targets.items():
            _fill(tensor, whole[name])
