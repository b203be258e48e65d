"""Where the network runs, behind one method.

All backends take a padded batch and give float32 logits. Batches are padded to a multiple of
:data:`WIDTH_STEP` tokens, so that an item is always run at one width: its logits are then the same
to the bit in any batch. (Where kernels take another path for a single row,
:class:`nlp.training.network.DriverNetwork` gives them two.)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import local
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from corpus.errors import ModelError, UsageError
from nlp.encoding import pad
from nlp.manifest import CONFIG_FILE, ONNX_FILE, WEIGHTS_FILE, Manifest, verified

WIDTH_STEP = 4

BackendName = Literal["onnx", "openvino", "torch"]
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


class Backend(Protocol):
    """Runs the network on a padded batch of token ids.

    ``lanes`` threads may run batches of their own at a time.
    """

    lanes: int

    def run(self, batch: dict[str, NDArray[np.int64]]) -> Logits:
        """Logits of the batch, row by row."""
        ...


def width_of(encoding: Encoding) -> int:
    """The padded width at which an encoding is always run."""
    return -(-len(encoding.ids) // WIDTH_STEP) * WIDTH_STEP


def run_batch(backend: Backend, encodings: Sequence[Encoding]) -> Logits:
    """Run encodings of one width; see the module's docstring for why the width matters."""
    batch = pad(encodings)
    columns = width_of(encodings[0]) - batch["input_ids"].shape[1]
    return backend.run({name: np.pad(ids, ((0, 0), (0, columns))) for name, ids in batch.items()})


class OnnxBackend:
    """ONNX Runtime on the CPU: ``threads`` lanes, by default one for each processor it may use.

    A batch is run by one thread, for threads that share a batch wait for each other.
    """

    def __init__(self, directory: Path, manifest: Manifest, *, threads: int | None = None) -> None:
        import onnxruntime  # noqa: PLC0415 - heavy, and not needed by the torch backend

        self.lanes = threads or processors()
        path = verified(directory, manifest, ONNX_FILE)
        options = onnxruntime.SessionOptions()
        # Unfold the int8 weights once at load rather than in every batch.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(
                str(path),
                options,
                providers=["CPUExecutionProvider"],
                # Its kernel is slower than the addition and the norm that it joins.
                disabled_optimizers=["SkipLayerNormFusion"],
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
        self.lanes = 1  # torch spreads a batch over the device by itself
        try:
            import torch  # noqa: PLC0415

            from nlp.training.network import load_network  # noqa: PLC0415
            from nlp.training.rounding import round_inputs  # noqa: PLC0415
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


class OpenVinoBackend:
    """OpenVINO on the CPU, from the same graph; needs the ``openvino`` extra.

    Nearly twice as fast as ONNX Runtime in int8, and slower to load: for many items. It rounds
    alike, but a last bit can turn a rounding, so that probabilities differ a little.
    """

    def __init__(self, directory: Path, manifest: Manifest, *, threads: int | None = None) -> None:
        try:
            import openvino  # noqa: PLC0415 - heavy, and not needed by the other backends
        except ImportError as fault:
            raise ModelError(
                "OpenVINO is not installed", remedy="pip install 'undertow[openvino]'"
            ) from fault
        self.lanes = threads or processors()
        path = verified(directory, manifest, ONNX_FILE)
        settings = {
            "INFERENCE_NUM_THREADS": self.lanes,
            "NUM_STREAMS": self.lanes,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            self._compiled = openvino.Core().compile_model(str(path), "CPU", settings)
        except RuntimeError as fault:
            raise ModelError(
                f"{path} cannot be loaded: {fault}", remedy="upgrade openvino"
            ) from fault
        self._requests = local()
        # The binding makes ready for numpy at its first call, and two lanes that make it at a time
        # wait for each other for ever (openvino 2026: a lock of its own against Python's).
        self.run({one.get_any_name(): np.ones((1, 1), np.int64) for one in self._compiled.inputs})

    def run(self, batch: dict[str, NDArray[np.int64]]) -> Logits:
        """Logits of the batch, row by row."""
        # A thread has a request of its own, and a request a processor.
        if not hasattr(self._requests, "own"):
            self._requests.own = self._compiled.create_infer_request()
        request = self._requests.own
        request.infer(batch)
        # The request's tensors are written anew by its next batch.
        return Logits(
            *(
                request.get_output_tensor(number).data.copy()
                for number in range(len(self._compiled.outputs))
            )
        )


def backend_of(device: str) -> BackendName:
    """The backend for a device of the command line."""
    if device == "openvino":
        return "openvino"
    return "onnx" if device == "cpu" else "torch"


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
