"""The training loop: seeded, resumable at any saved step, with averaged weights.

The order of batches depends on seed and epoch alone and dropout is seeded by step, so a run that is
interrupted and resumed gives the same weights as one that is not. Checkpoints are safetensors and
JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Encoding
from torch import Tensor, nn
from tqdm import tqdm

from nlp.encoding import pad
from nlp.training.config import TrainingConfig
from nlp.training.network import DriverNetwork, Outputs
from nlp.training.targets import Targets

CHECKPOINT_EVERY = 200


def batches_of_epoch(
    lengths: NDArray[np.int64], config: TrainingConfig, epoch: int
) -> list[NDArray[np.int64]]:
    """Row numbers by batch.

    Shuffled, then sorted by length within blocks so that padding is small.
    """
    generator = np.random.default_rng([config.seed, epoch])
    order = generator.permutation(len(lengths))
    block = config.batch_size * 40
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), block):
        rows = order[start : start + block]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches += [rows[i : i + config.batch_size] for i in range(0, len(rows), config.batch_size)]
    generator.shuffle(batches)
    return batches


def loss_of(outputs: Outputs, targets: dict[str, Tensor], config: TrainingConfig) -> Tensor:
    """Sum of the heads' mean losses; a row counts for stance and sentiment as it is weighed."""
    binary = nn.functional.binary_cross_entropy_with_logits
    total = config.driver_weight * binary(outputs.driver, targets["driver"])
    total = total + config.relevance_weight * binary(outputs.relevance, targets["relevant"])
    total = total + config.stance_weight * _cross_entropy(outputs.stance, targets["stance"])
    return total + config.sentiment_weight * _cross_entropy(outputs.sentiment, targets["sentiment"])


def _cross_entropy(logits: Tensor, shares: Tensor) -> Tensor:
    """Mean cross-entropy weighted by what each row's shares sum to; 0 where all are left out."""
    return -(shares * logits.log_softmax(-1)).sum() / shares.sum().clamp(min=1.0)


class Trainer:
    """Trains a network towards targets.

    ``checkpoints`` is where an interrupted run is resumed from.
    """

    def __init__(
        self, network: DriverNetwork, config: TrainingConfig, checkpoints: Path, device: str
    ) -> None:
        self.network = network.to(device)
        self.config = config
        self.checkpoints = checkpoints
        self.device = device
        encoder = [(n, p) for n, p in network.named_parameters() if n.startswith("encoder.")]
        heads = [(n, p) for n, p in network.named_parameters() if not n.startswith("encoder.")]
        self.trained = {n: p for n, p in [*encoder, *heads] if p.requires_grad}
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for _, p in encoder if p.requires_grad], "lr": config.encoder_rate},
                {"params": [p for _, p in heads], "lr": config.head_rate},
            ],
            weight_decay=config.weight_decay,
        )
        self.average = {n: p.detach().clone() for n, p in self.trained.items()}
        self.step = 0

    def run(
        self, targets: Targets, encodings: list[Encoding], *, stop_after: int | None = None
    ) -> None:
        """Train to the end of the last epoch, or for ``stop_after`` steps of the same plan.

        Leaves the averaged weights in the network.
        """
        lengths = np.array([len(encoding.ids) for encoding in encodings], np.int64)
        epochs = self.config.epochs
        plan = [
            batch
            for epoch in range(epochs)
            for batch in batches_of_epoch(lengths, self.config, epoch)
        ]
        schedule = self._schedule(len(plan))
        plan = plan[:stop_after]
        self._resume()
        self.network.train()
        progress = tqdm(total=len(plan), initial=self.step, unit="batch", desc="training")
        for rows in plan[self.step :]:
            self._set_rates(schedule(self.step))
            loss = self._train_batch(rows, targets, encodings)
            self.step += 1
            progress.update()
            progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
            if self.step % CHECKPOINT_EVERY == 0:
                self._save()
        progress.close()
        self._save()
        with torch.no_grad():
            for name, parameter in self.trained.items():
                parameter.copy_(self.average[name])
        self.network.eval()

    def _train_batch(
        self, rows: NDArray[np.int64], targets: Targets, encodings: list[Encoding]
    ) -> float:
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)
        inputs = {
            k: torch.from_numpy(v).to(self.device)
            for k, v in pad([encodings[i] for i in rows]).items()
        }
        wanted = {
            name: torch.from_numpy(getattr(targets, name)[rows]).to(self.device)
            for name in ("driver", "stance", "sentiment", "relevant")
        }
        # Matrix products in bfloat16, losses and weights in float32: two thirds faster on a CPU
        # too.
        with torch.autocast(torch.device(self.device).type, torch.bfloat16):
            outputs = self.network(**inputs)
        loss = loss_of(Outputs(*(tensor.float() for tensor in outputs)), wanted, self.config)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.trained.values(), 1.0)
        self.optimizer.step()
        # A young average would remember the random start, so its memory grows with the step.
        keep = min(self.config.average_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, parameter in self.trained.items():
                self.average[name].lerp_(parameter, 1 - keep)
        return float(loss.detach())

    def _schedule(self, steps: int) -> Callable[[int], float]:
        """Share of the full rate at each step: linear warm-up, then a half cosine to nothing."""
        warm = max(1, round(self.config.warmup * steps))

        def factor(step: int) -> float:
            if step < warm:
                return (step + 1) / warm
            return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

        return factor

    def _set_rates(self, factor: float) -> None:
        rates = (self.config.encoder_rate, self.config.head_rate)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor

    def _save(self) -> None:
        self.checkpoints.mkdir(parents=True, exist_ok=True)
        tensors: dict[str, Tensor] = {}
        for name, parameter in self.trained.items():
            tensors[f"weight/{name}"] = parameter.detach().contiguous()
            tensors[f"average/{name}"] = self.average[name].contiguous()
            state = self.optimizer.state[parameter]
            if state:  # a head that no loss has reached yet has none
                tensors[f"first_moment/{name}"] = state["exp_avg"].contiguous()
                tensors[f"second_moment/{name}"] = state["exp_avg_sq"].contiguous()
        fresh = self.checkpoints / "state.safetensors.new"
        metadata = {"step": str(self.step), "config": self.config.model_dump_json()}
        save_file(tensors, fresh, metadata=metadata)
        fresh.replace(self.checkpoints / "state.safetensors")

    def _resume(self) -> None:
        path = self.checkpoints / "state.safetensors"
        if not path.exists():
            return
        with safe_open(path, "pt", device=self.device) as saved:
            metadata = saved.metadata()
            if json.loads(metadata["config"]) != json.loads(self.config.model_dump_json()):
                return  # another configuration: start afresh
            self.step = int(metadata["step"])
            with torch.no_grad():
                for name, parameter in self.trained.items():
                    parameter.copy_(saved.get_tensor(f"weight/{name}"))
                    self.average[name] = saved.get_tensor(f"average/{name}")
                    if f"first_moment/{name}" in saved.keys():  # noqa: SIM118 - no mapping
                        self.optimizer.state[parameter] = {
                            "step": torch.tensor(float(self.step)),
                            "exp_avg": saved.get_tensor(f"first_moment/{name}"),
                            "exp_avg_sq": saved.get_tensor(f"second_moment/{name}"),
                        }


@torch.no_grad()
def predict(
    network: DriverNetwork,
    encodings: list[Encoding],
    device: str,
    *,
    batch_size: int = 64,
    progress: bool = False,
) -> Iterator[tuple[NDArray[np.int64], Outputs]]:
    """Row numbers and outputs by batch, in order of length."""
    network.eval()
    order = np.argsort([len(encoding.ids) for encoding in encodings], kind="stable")
    starts = range(0, len(order), batch_size)
    for start in tqdm(starts, desc="asking", unit="batch", disable=not progress):
        rows = order[start : start + batch_size]
        inputs = {
            k: torch.from_numpy(v).to(device) for k, v in pad([encodings[i] for i in rows]).items()
        }
        yield rows, network(**inputs)
