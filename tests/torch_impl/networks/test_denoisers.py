"""Properties that every denoiser shares: U-Net, DiT, MLP, one-step CNN."""

import copy
import json

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from torch_impl.networks import (
    DiT,
    DiTConfig,
    MLPDenoiser,
    MLPDenoiserConfig,
    NetworkConfig,
    OneStepCNN,
    OneStepCNNConfig,
    UNet,
    UNetConfig,
    build,
    config_from_dict,
    config_to_dict,
)
from torch_impl.networks.dit import patchify, position_embedding, unpatchify

CONFIGS: list[NetworkConfig] = [
    UNetConfig(image_size=16, channels=(8, 16), attention=(8,), head_channels=8, num_classes=4),
    UNetConfig(
        image_size=8, in_channels=3, channels=(8, 8, 16), blocks_per_level=1, attention=(), learned_variance=True
    ),
    DiTConfig(image_size=8, in_channels=2, patch_size=2, width=16, depth=2, heads=2, num_classes=4),
    DiTConfig(image_size=8, patch_size=4, width=8, depth=1, heads=1, learned_variance=True),
    MLPDenoiserConfig(dim=2, width=16, depth=2, num_classes=4),
    MLPDenoiserConfig(dim=5, width=16, depth=1, learned_variance=True),
    OneStepCNNConfig(image_size=8, channels=(8, 16)),
]
NAMED = pytest.mark.parametrize("config", CONFIGS, ids=lambda c: type(c).__name__)


def shape(config: NetworkConfig) -> tuple[int, ...]:
    if isinstance(config, MLPDenoiserConfig):
        return (config.dim,)
    return (config.in_channels, config.image_size, config.image_size)


def inputs(config: NetworkConfig, batch: int = 3) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, *shape(config), generator=generator)
    t = torch.randint(1, 1001, (batch,), generator=generator)
    y = torch.randint(0, 5, (batch,), generator=generator)
    return (x, t, y) if getattr(config, "num_classes", None) else (x, t)


def awake(net: nn.Module) -> nn.Module:
    """The network with its zero-initialised layers made random."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in net.parameters():
            if not parameter.any():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return net


@NAMED
def test_output_is_exactly_zero_before_training(config: NetworkConfig) -> None:
    net, arguments = build(config), inputs(config)
    out = net(*arguments)
    doubled = 2 if getattr(config, "learned_variance", False) else 1
    assert out.shape == (3, doubled * shape(config)[0], *shape(config)[1:])
    assert not out.any()


@NAMED
def test_every_parameter_gets_a_gradient_once_awake(config: NetworkConfig) -> None:
    net, arguments = awake(build(config)), inputs(config)
    weight = torch.randn(net(*arguments).shape)
    (net(*arguments) * weight).sum().backward()
    without = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


@NAMED
def test_the_first_gradient_step_already_moves_the_output(config: NetworkConfig) -> None:
    net, arguments = build(config), inputs(config)
    (net(*arguments) - 1).square().mean().backward()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.grad is not None:
                parameter -= 0.1 * parameter.grad
    assert net(*arguments).any()


@NAMED
def test_examples_of_a_batch_do_not_see_each_other(config: NetworkConfig) -> None:
    net, arguments = awake(build(config)).double(), inputs(config)
    arguments = (arguments[0].double(), *arguments[1:])
    order = torch.tensor([2, 0, 1])
    whole = net(*arguments)
    torch.testing.assert_close(net(*(a[order] for a in arguments)), whole[order], rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(net(*(a[1:2] for a in arguments)), whole[1:2], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    "config", [c for c in CONFIGS if not isinstance(c, OneStepCNNConfig)], ids=lambda c: type(c).__name__
)
def test_the_output_depends_on_time_and_label(config: NetworkConfig) -> None:
    net = awake(build(config))
    x, t, *y = inputs(config)
    assert not torch.allclose(net(x, t, *y), net(x, 1001 - t, *y), atol=1e-6)
    if y:
        null = torch.full_like(y[0], net.null_label)
        differs = (net(x, t, *y) - net(x, t, null)).flatten(1).abs().amax(1) > 1e-7
        assert differs.tolist() == (y[0] != net.null_label).tolist()
    else:
        assert net.null_label is None


@NAMED
def test_config_goes_to_json_and_back_and_rebuilds_the_same_network(config: NetworkConfig) -> None:
    net = awake(build(config))
    description = json.loads(json.dumps(config_to_dict(config)))
    assert config_from_dict(description) == config
    again = build(description)
    again.load_state_dict(net.state_dict())
    arguments = inputs(config)
    assert torch.equal(again(*arguments), net(*arguments))


@NAMED
def test_parameters_are_contiguous_so_that_they_can_be_stored(config: NetworkConfig) -> None:
    net = build(config)
    assert all(value.is_contiguous() for value in net.state_dict().values())


def compiled_output_error(config: NetworkConfig, backend: str) -> float:
    """Largest difference of output and input gradient, compiled as one graph against eager, all in float64."""
    net, (x, t, *y) = awake(build(config)).double(), inputs(config)
    compiled = torch.compile(net, fullgraph=True, backend=backend)
    results = []
    for f in (net, compiled):
        x = x.detach().double().requires_grad_()
        out = f(x, t.double(), *y)
        results.append((out.detach(), torch.autograd.grad(out.square().sum(), x)[0]))
    return max((a - b).abs().max().item() for a, b in zip(*results, strict=True))


ONE_EACH = pytest.mark.parametrize("config", [CONFIGS[i] for i in (0, 2, 4, 6)], ids=lambda c: type(c).__name__)


@pytest.mark.sampled(3)
@ONE_EACH
def test_compiles_as_one_graph_with_the_same_result(config: NetworkConfig) -> None:
    assert compiled_output_error(config, "aot_eager") < 1e-11


@pytest.mark.long
@ONE_EACH
def test_the_generated_code_gives_the_same_result(config: NetworkConfig) -> None:
    with sdpa_kernel(SDPBackend.MATH):  # the generated call of the other kernel stumbles over float64 in torch 2.11
        assert compiled_output_error(config, "inductor") < 1e-11


@NAMED
def test_channels_last_parameters_give_the_same_result(config: NetworkConfig) -> None:
    net, arguments = awake(build(config)), inputs(config)
    expected = net(*arguments)
    torch.testing.assert_close(net.to(memory_format=torch.channels_last)(*arguments), expected, rtol=1e-4, atol=1e-5)


def rounding(net: nn.Module) -> nn.Module:
    """A float32 copy whose layers take and give, and whose weights are, numbers that bfloat16 can hold."""

    def nearest(tensor: Tensor) -> Tensor:
        return tensor.bfloat16().float()

    net = copy.deepcopy(net)
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.weight.data = nearest(layer.weight.data)
            layer.register_forward_pre_hook(lambda _, given: (nearest(given[0]), *given[1:]))
            layer.register_forward_hook(lambda _, given, out: nearest(out))
    return net


@NAMED
def test_bfloat16_autocast_errs_as_much_as_its_roundings(config: NetworkConfig) -> None:
    net, arguments = awake(build(config)), inputs(config)
    exact = net(*arguments)
    with torch.autocast("cpu", torch.bfloat16):
        low = net(*arguments)
    # The copy leaves out the roundings in normalisations, activations and residual sums: twice as many again.
    allowed = 3 * (rounding(net)(*arguments) - exact).square().mean().sqrt()
    assert (low.float() - exact).square().mean().sqrt() < allowed < 0.2 * exact.square().mean().sqrt()


def test_state_dict_names_are_stable() -> None:
    net = UNet(
        UNetConfig(image_size=8, channels=(8, 16), blocks_per_level=1, attention=(4,), head_channels=8, num_classes=2)
    )
    prefixes = {name.rsplit(".", 1)[0] for name in net.state_dict()}
    assert {
        "conditioning.linear_1",
        "conditioning.linear_2",
        "conditioning.classes",
        "conv_in",
        "down.0.stages.0.block.conv_1",
        "down.0.downsample",
        "down.1.stages.0.attention.qkv",
        "middle.0.attention.out",
        "middle.1.block.condition",
        "up.0.stages.1.block.skip",
        "up.0.upsample",
        "norm_out",
        "conv_out",
    } <= prefixes


def test_default_unet_has_the_published_size_of_the_comparison() -> None:
    assert sum(p.numel() for p in UNet().parameters()) == 2_606_209


def test_unet_takes_images_of_other_sizes_that_its_levels_divide() -> None:
    net = awake(UNet(UNetConfig(image_size=8, channels=(8, 16), attention=(4,), head_channels=8)))
    assert net(torch.randn(1, 1, 12, 20), torch.tensor([5])).shape == (1, 1, 12, 20)
    with pytest.raises(ValueError, match="9 by 8 pixels; both sides must be divisible by 2"):
        net(torch.randn(1, 1, 9, 8), torch.tensor([5]))
    with pytest.raises(ValueError, match=r"takes \(batch, 1, height, width\)"):
        net(torch.randn(1, 3, 8, 8), torch.tensor([5]))


def test_unet_without_attention_commutes_with_shifts_of_its_coarsest_pixel_and_no_finer_ones() -> None:
    net = awake(UNet(UNetConfig(image_size=128, channels=(4, 8), blocks_per_level=1, attention=(), groups=1))).double()
    x = torch.zeros(1, 1, 128, 128, dtype=torch.float64)
    x[..., 60:68, 60:68] = torch.randn(8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([10])
    inner = (slice(None), slice(None), slice(56, 72), slice(56, 72))  # out of reach of the border's zero padding

    def error(rows: int, columns: int) -> float:
        first = net(torch.roll(x, (rows, columns), (2, 3)), t)[inner]
        return (first - torch.roll(net(x, t), (rows, columns), (2, 3))[inner]).abs().max().item()

    assert error(2, -4) < 1e-11
    assert error(1, 0) > 0.1


def test_patches_and_back() -> None:
    x = torch.randn(2, 3, 8, 12)
    tokens = patchify(x, 4)
    assert tokens.shape == (2, 6, 48)
    assert torch.equal(tokens[1, 4].reshape(3, 4, 4), x[1, :, 4:8, 4:8])  # row 1, column 1
    assert torch.equal(unpatchify(tokens, 4, 8, 12), x)


def test_positions_of_a_grid_are_told_apart_and_separate_row_from_column() -> None:
    p = position_embedding(3, 5, 16)
    assert torch.pdist(p).min() > 0.1
    grid = p.reshape(3, 5, 16)
    assert torch.equal(grid[:, 0, :8], grid[:, 4, :8]) and torch.equal(grid[0, :, 8:], grid[2, :, 8:])


def test_dit_block_is_the_identity_before_training() -> None:
    net = DiT(DiTConfig(image_size=8, patch_size=2, width=16, depth=1, heads=2))
    h = torch.randn(2, 16, 16)
    assert torch.equal(net.blocks[0](h, torch.randn(2, 16)), h)


def test_dit_knows_where_a_patch_is() -> None:
    net = awake(DiT(DiTConfig(image_size=8, patch_size=4, width=16, depth=1, heads=2))).double()
    x, t = torch.randn(1, 1, 8, 8, dtype=torch.float64), torch.tensor([5])
    swapped = net(x.roll(4, dims=3), t).roll(-4, dims=3)
    assert (swapped - net(x, t)).abs().max() > 1e-3
    with torch.no_grad():
        net.positions.zero_()  # without positions the patches are a set
    torch.testing.assert_close(net(x.roll(4, dims=3), t).roll(-4, dims=3), net(x, t), rtol=0, atol=1e-12)


def test_dit_refuses_another_size() -> None:
    net = DiT(DiTConfig(image_size=8, patch_size=2, width=16, depth=1, heads=2))
    with pytest.raises(ValueError, match="16 by 16 pixels; this transformer takes 8"):
        net(torch.randn(1, 1, 16, 16), torch.tensor([1]))


def test_dropout_acts_in_training_only() -> None:
    net = awake(UNet(UNetConfig(image_size=8, channels=(8,), attention=(), dropout=0.5)))
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([1, 2])
    assert not torch.equal(net(x, t), net(x, t))
    net.eval()
    assert torch.equal(net(x, t), net(x, t))


def test_one_step_cnn_ignores_time_and_refuses_labels() -> None:
    net = awake(OneStepCNN(OneStepCNNConfig(image_size=8, channels=(8,))))
    x = torch.randn(2, 1, 8, 8)
    assert torch.equal(net(x), net(x, torch.tensor([1, 1])))
    with pytest.raises(ValueError, match="unconditional"):
        net(x, None, torch.tensor([0, 0]))


def test_mlp_names_the_shape_it_takes() -> None:
    with pytest.raises(ValueError, match=r"shape \(4, 3\); the network takes \(batch, 2\)"):
        MLPDenoiser()(torch.randn(4, 3), torch.ones(4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: UNetConfig(image_size=28, channels=(8, 8, 8, 8)), r"28 is not divisible by 8 .*at most 2 halvings"),
        (lambda: UNetConfig(channels=(30,), attention=()), "groups = 8 does not divide 30 channels"),
        (lambda: UNetConfig(head_channels=36), "head_channels = 36 does not divide the 96 channels .* with 8 pixels"),
        (lambda: UNetConfig(attention=(7,)), "attention at 7 pixels, but the levels have 32, 16, 8"),
        (lambda: UNetConfig(dropout=1.0), r"dropout = 1.0; it must be in \[0, 1\)"),
        (lambda: UNetConfig(channels=()), r"channels = \(\)"),
        (lambda: UNetConfig(blocks_per_level=0), "blocks_per_level = 0"),
        (lambda: UNet(UNetConfig(num_classes=0)), "num_classes is 0"),
        (lambda: DiTConfig(image_size=30), "patch_size = 4 does not divide image_size = 30"),
        (lambda: DiTConfig(heads=5), "heads = 5 does not divide width = 192"),
        (lambda: DiTConfig(width=6, heads=1), "width = 6; it must be divisible by 4"),
        (lambda: MLPDenoiserConfig(width=7), "width = 7; it must be even"),
        (lambda: OneStepCNNConfig(image_size=10), "10 is not divisible by 4"),
        (lambda: OneStepCNNConfig(blocks=-1), "blocks = -1"),
    ],
)
def test_impossible_configs_are_refused_with_the_remedy(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, 'key "network"'),
        ({"network": "Unet"}, "unknown network 'Unet'; did you mean 'UNet'"),
        ({"network": "UNet", "width": 3}, "UNet has no field 'width'"),
        ({"network": "UNet", "image_size": 33}, "33 is not divisible"),
        ({"network": "MLPDenoiser", "dim": "two"}, "dim = 'two'"),
    ],
)
def test_unusable_descriptions_are_refused(description: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(description)
