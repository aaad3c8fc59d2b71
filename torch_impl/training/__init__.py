"""Training: the loop, moving averages, checkpoints, many devices, and the presets that put them to work."""

from torch_impl.random.draws import Draws
from torch_impl.training.checkpoint import (
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointStore,
    CheckpointUnwritable,
    StoredCheckpoint,
    find_checkpoint,
)
from torch_impl.training.ema import EMA, ConstantDecay, PowerFunction, Snapshot, WarmupDecay, reconstruct
from torch_impl.training.learning_rate import LearningRate
from torch_impl.training.metrics import read_metrics
from torch_impl.training.processes import Processes
from torch_impl.training.signals import Interrupted
from torch_impl.training.system import Batch, System
from torch_impl.training.trainer import Observer, Trainer, TrainResult
from torch_impl.training.trainer_config import TrainerConfig
from torch_impl.training.watch import NonFiniteError

__all__ = [
    "EMA",
    "Batch",
    "CheckpointDamaged",
    "CheckpointMissing",
    "CheckpointStore",
    "CheckpointUnwritable",
    "ConstantDecay",
    "Draws",
    "Interrupted",
    "LearningRate",
    "NonFiniteError",
    "Observer",
    "PowerFunction",
    "Processes",
    "Snapshot",
    "StoredCheckpoint",
    "System",
    "TrainResult",
    "Trainer",
    "TrainerConfig",
    "WarmupDecay",
    "find_checkpoint",
    "read_metrics",
    "reconstruct",
]
