"""Where the network runs, behind one method.

Both backends take a padded batch and give float32 logits. Batches are padded to a multiple of
:data:`WIDTH_STEP` tokens and hold at least :data:`SMALLEST_BATCH` items, because matrix kernels
take another path for a single row: with these two rules an item's logits are the same to the bit in
any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from corpus.errors import ModelError, UsageError
from nlp.encoding import pad
from nlp.manifest import CONFIG_FILE, ONNX_FILE, WEIGHTS_FILE, Manifest, verified

WIDTH_STEP = 4
SMALLEST_BATCH = 2

BackendName = Literal["onnx", "torch"]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Logits:
    """Network outputs for a batch of ``items`` padded to ``tokens``."""

    driver: Floats  # (items, drivers)
    stance: Floats  # (items, drivers, 3)
    sentiment: Floats  # (items, 3)
    relevance: Floats  # (items,)
    token_share: Floats  # (items, drivers, tokens)
    # (items, width): the mean of the token states; none from a model made before it was given
    mean_state: Floats | None = None

    def row(self, number: int) -> Logits:
        """The logits of one item, without the leading axis."""
        return Logits(
            self.driver[number],
            self.stance[number],
            self.sentiment[number],
            self.relevance[number],
            self.token_share[number],
            None if self.mean_state is None else self.mean_state[number],
        )

    def first(self, number: int) -> Logits:
        """The logits of the first ``number`` items."""
        keep = slice(0, number)
        return Logits(
            self.driver[keep],
            self.stance[keep],
            self.sentiment[keep],
            self.relevance[keep],
            self.token_share[keep],
            None if self.mean_state is None else self.mean_state[keep],
        )


class Backend(Protocol):
    """Runs the network on a padded batch of token ids."""

    def run(self, batch: dict[str, NDArray[np.int64]]) -> Logits:
        """Logits of the batch, row by row."""
        ...


def width_of(encoding: Encoding) -> int:
    """The padded width at which an encoding is always run."""
    return -(-len(encoding.ids) // WIDTH_STEP) * WIDTH_STEP


def run_batch(backend: Backend, encodings: Sequence[Encoding]) -> Logits:
    """Run encodings of one width; see the module's docstring for why the width matters."""
    batch = pad(encodings)
    extra_rows = max(0, SMALLEST_BATCH - len(encodings))
    extra_columns = width_of(encodings[0]) - batch["input_ids"].shape[1]
    padded = {
        name: np.pad(
            np.pad(ids, ((0, extra_rows), (0, 0)), mode="edge"), ((0, 0), (0, extra_columns))
        )
        for name, ids in batch.items()
    }
    return backend.run(padded).first(len(encodings))


class OnnxBackend:
    """ONNX Runtime on the CPU."""

    def __init__(self, directory: Path, manifest: Manifest, *, threads: int | None = None) -> None:
        import onnxruntime  # noqa: PLC0415 - heavy, and not needed by the torch backend

        path = verified(directory, manifest, ONNX_FILE)
        options = onnxruntime.SessionOptions()
        # Unfold the int8 weights once at load rather than in every batch.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as fault:  # onnxruntime raises its own unrelated classes
            raise ModelError(
                f"{path} cannot be loaded: {fault}", remedy="upgrade onnxruntime"
            ) from fault

    def run(self, batch: dict[str, NDArray[np.int64]]) -> Logits:
        """Logits of the batch, row by row."""
        try:
            return Logits(*self._session.run(None, dict(batch)))
        except Exception as fault:  # onnxruntime raises its own unrelated classes
            if "allocate memory" in str(fault):
                raise MemoryError(str(fault)) from fault
            raise


class TorchBackend:
    """PyTorch on CPU or CUDA, from the float16 weights; needs the ``train`` extra.

    Products are done in bfloat16 on CUDA and in float32 on the CPU, unless ``bfloat16`` says
    otherwise.
    """

    def __init__(
        self,
        directory: Path,
        manifest: Manifest,
        *,
        device: str = "cpu",
        bfloat16: bool | None = None,
    ) -> None:
        try:
            import torch  # noqa: PLC0415

            from nlp.training.network import load_network, round_inputs  # noqa: PLC0415
        except ImportError as fault:
            raise ModelError(
                f"the torch backend is not installed ({fault.name} is missing)",
                remedy="pip install 'undertow[train]'",
            ) from fault
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise UsageError(f"no CUDA device for {device!r}", remedy="use the cpu")
        self._torch = torch
        self._device = device
        self._bfloat16 = device.startswith("cuda") if bfloat16 is None else bfloat16
        config = verified(directory, manifest, CONFIG_FILE)
        weights = verified(directory, manifest, WEIGHTS_FILE)
        self._network = load_network(config, weights, drivers=len(manifest.heads)).to(device)
        # The graph rounds what goes into its products to int8: the same tags need the same.
        round_inputs(self._network)

    def run(self, batch: dict[str, NDArray[np.int64]]) -> Logits:
        """Logits of the batch, row by row."""
        torch = self._torch
        inputs = {name: torch.from_numpy(ids).to(self._device) for name, ids in batch.items()}
        kind = self._device.partition(":")[0]
        casting = torch.autocast(kind, torch.bfloat16, enabled=self._bfloat16)
        with torch.inference_mode(), casting:
            outputs = self._network(**inputs)
        return Logits(*(tensor.float().cpu().numpy() for tensor in outputs))
