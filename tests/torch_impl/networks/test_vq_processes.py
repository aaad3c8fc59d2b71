"""Codebooks on several processes: equal on all of them, and equal to those of one process with the whole batch."""

from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from torch_impl.networks import VQVAE, VQVAEConfig
from torch_impl.training.processes import Processes

CONFIGS = {
    codebook: VQVAEConfig(
        image_size=8, channels=(8,), codes=16, code_dim=4, codebook=codebook, decay=0.8, revive_below=0.5
    )
    for codebook in ("ema", "gradient")
}


def global_batch(step: int) -> Tensor:
    return torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(step)) * 2 - 1


def train(config: VQVAEConfig, rank: int, world: int, sharded: bool = False) -> tuple[dict[str, Tensor], int]:
    """Six steps; returns the quantiser's state and how many codewords were revived after the first step."""
    torch.manual_seed(0)
    net: torch.nn.Module = VQVAE(config)
    inner = net
    if sharded:
        fully_shard(net, mesh=init_device_mesh("cpu", (world,)))
    elif world > 1:
        net = torch.nn.parallel.DistributedDataParallel(net, broadcast_buffers=False)
    optimizer = torch.optim.SGD(net.parameters(), 0.05)
    revived = 0
    for step in range(6):
        x = global_batch(step).chunk(world)[rank]
        out = net(x)
        loss = (out.reconstruction - x).square().mean() + inner.regulariser(out)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rows = inner.quantizer.update_()
        revived += int(rows.sum()) if step else 0
    state = inner.quantizer.state_dict()
    return {
        name: value.full_tensor() if sharded and "codebook" in name else value for name, value in state.items()
    }, revived


def worker(rank: int, world: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=world)
    results = {name: train(config, rank, world) for name, config in CONFIGS.items()}
    results["gradient, sharded"] = train(CONFIGS["gradient"], rank, world, sharded=True)
    torch.save(results, Path(folder) / f"{rank}.pt")
    Processes(rank, world, torch.device("cpu")).finish()


@pytest.mark.sampled(2)
def test_two_processes_keep_one_codebook_which_is_that_of_a_single_process(tmp_path: Path) -> None:
    mp.spawn(worker, args=(2, str(tmp_path)), nprocs=2, join=True)
    both = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    for codebook in both[0]:
        (first, revived), (second, _) = both[0][codebook], both[1][codebook]
        assert revived > 0, "no codeword died: the test would not see a revival that differs between processes"
        for name, value in first.items():
            assert torch.equal(value, second[name]), (codebook, name)
        alone, _ = train(CONFIGS[codebook.partition(",")[0]], 0, 1)
        for name, value in alone.items():
            torch.testing.assert_close(first[name], value, rtol=1e-3, atol=1e-4, msg=f"{codebook}: {name}")
