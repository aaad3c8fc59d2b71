"""Weights, averages and optimizer state as tensors by name: out of live modules and back, whole or sharded.

One process, or several with DDP: whole tensors in `<part>.safetensors`.  FSDP: every process writes its shards
through `torch.distributed.checkpoint` in its safetensors format (its default format is a pickle and is not used).
Either kind loads into any number of processes and either kind of parallelism.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from torch_impl.training.checkpoint import CheckpointDamaged, StoredCheckpoint
from torch_impl.training.ema import canonical_name, unwrap

__all__ = [
    "load_part",
    "load_state_tensors",
    "optimizer_tensors",
    "put_optimizer_tensors",
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


def _shapes_of_shards(folder: Path) -> dict[str, tuple[torch.Size, torch.dtype]]:
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader

    metadata = HuggingFaceStorageReader(str(folder)).read_metadata()
    return {name: (entry.size, entry.properties.dtype) for name, entry in metadata.state_dict_metadata.items()}  # type: ignore[union-attr]  # only tensors are saved


def _load_shards(folder: Path, targets: dict[str, Tensor]) -> None:
    """Fill tensors (whole, or DTensors of which each process holds its shard) from shards of any layout."""
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.state_dict_loader import load

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled, unavailable or uninitialized")
        load(targets, storage_reader=HuggingFaceStorageReader(str(folder)), no_dist=not dist.is_initialized())


def load_part(checkpoint: StoredCheckpoint, part: str) -> dict[str, Tensor]:
    """All tensors of one part, whole, on the CPU, from either kind of checkpoint; needs no process group.

    Raises:
        CheckpointDamaged: the checkpoint has no such part.
    """
    if checkpoint.has(f"{part}.safetensors"):
        return checkpoint.tensors(f"{part}.safetensors")
    folder = checkpoint.path / "shards"
    shapes = _shapes_of_shards(folder) if folder.is_dir() else {}
    prefix = f"{part}/"
    targets = {
        name: torch.empty(size, dtype=dtype) for name, (size, dtype) in shapes.items() if name.startswith(prefix)
    }
    if not targets:
        raise CheckpointDamaged(checkpoint.path / f"{part}.safetensors", "it is missing")
    _load_shards(folder, targets)
    return {name.removeprefix(prefix): tensor for name, tensor in targets.items()}


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


def _refuse_other_names(path: Path, stored: Iterable[str], wanted: Iterable[str]) -> None:
    missing, unexpected = sorted(set(wanted) - set(stored)), sorted(set(stored) - set(wanted))
    if missing or unexpected:
        raise ValueError(
            f"checkpoint {path} does not fit this model: missing {missing[:3]}, unexpected {unexpected[:3]}"
        )


def load_state_tensors(checkpoint: StoredCheckpoint, part: str, module: nn.Module) -> None:
    """Fill a module's parameters and buffers, in place.

    Raises:
        ValueError: names or shapes differ from the module's.
    """
    targets = state_tensors(module)
    folder = checkpoint.path / "shards"
    if folder.is_dir():
        named = {f"{part}/{name}": tensor for name, tensor in targets.items()}
        stored = [name for name in _shapes_of_shards(folder) if name.startswith(f"{part}/")]
        _refuse_other_names(checkpoint.path, stored, named)
        _load_shards(folder, named)
        return
    stored_tensors = checkpoint.tensors(f"{part}.safetensors")
    _refuse_other_names(checkpoint.path, stored_tensors, targets)
    for name, target in targets.items():
        if target.shape != stored_tensors[name].shape:
            raise ValueError(
                f"checkpoint {checkpoint.path}: {name} has shape {tuple(stored_tensors[name].shape)}, the model's is "
                f"{tuple(target.shape)}"
            )
        _fill(target, stored_tensors[name])


def put_optimizer_tensors(
    checkpoint: StoredCheckpoint, optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> None:
    """Give every parameter its stored optimizer state, in the parameter's own memory layout and sharding."""
    by_name = {canonical_name(name): parameter for name, parameter in parameters.items()}
    folder = checkpoint.path / "shards"
    if folder.is_dir():
        shapes = {
            name.removeprefix("optimizer/"): entry
            for name, entry in _shapes_of_shards(folder).items()
            if name.startswith("optimizer/")
        }
        whole: dict[str, Tensor] | None = None
    else:
        whole = checkpoint.tensors("optimizer.safetensors")
        shapes = {name: (tensor.shape, tensor.dtype) for name, tensor in whole.items()}
    targets: dict[str, Tensor] = {}
    for full, (size, dtype) in shapes.items():
        name, _, key = full.rpartition(_SEPARATOR)
        if name not in by_name:
            raise ValueError(
                f"checkpoint {checkpoint.path} has optimizer state for {name!r}, which is no parameter of this model"
            )
        parameter = by_name[name]
        like = size == parameter.shape and len(size) > 0
        target = (
            torch.zeros_like(parameter, dtype=dtype)
            if like
            else torch.zeros(size, dtype=dtype, device=parameter.device)
        )
        optimizer.state[parameter][key] = targets[full] = target.detach()
    if whole is None:
        _load_shards(folder, {f"optimizer/{name}": tensor for name, tensor in targets.items()})
    else:
        for name, tensor in targets.items():
            _fill(tensor, whole[name])
