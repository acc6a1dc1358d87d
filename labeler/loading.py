"""Before a model is loaded: where it is, what family it is of, whether it fits the memory."""

from __future__ import annotations

import copy
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from json import JSONDecodeError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from labeler.errors import ModelError
from labeler.families import ALL, check_family
from labeler.readers import printable

WEIGHTS = "*.safetensors"
PICKLED = "*.bin"
_FILES = ("*.json", "*.txt", "*.model", "*.jinja")
WORKING = 512 * 2**20
"""Bytes for a batch of activations and the libraries; small beside the weights of a large model."""


@dataclass(frozen=True)
class Source:
    """Which model, from where, and how it is to be held.

    `pickle` also takes weights in `pytorch_model.bin` (read by torch's weights-only unpickler).
    `copies` is how many times the weights are held at once: twice where neurons are compared with
    a re-initialised copy.
    """

    name: str
    device: str = "auto"
    dtype: str = "float32"
    revision: str | None = None
    device_map: str | None = None
    pickle: bool = False
    copies: int = 1


@dataclass(frozen=True)
class Found:
    """A model whose configuration is read and allowed, and which fits: ready to be loaded."""

    source: Source
    path: str
    device: str | None
    parameters: int
    needed: int
    free: int | None

    @property
    def said(self) -> str:
        """What is asked of the memory, in one line."""
        free = "" if self.free is None else f" of {_size(self.free)} free"
        where = self.device or f"device map {self.source.device_map}"
        twice = " and the re-initialised copy" if self.source.copies > 1 else ""
        return (
            f"{self.parameters:,} parameters in {self.source.dtype}{twice}: about "
            f"{_size(self.needed)}{free} on {where}"
        )


def find(source: Source) -> Found:
    """Look at everything that can be wrong before the weights are read.

    Raises ModelError where there is no such model or device, the family is not supported, the
    weights are pickled and that was not asked for, or the memory does not suffice.
    """
    device = None if source.device_map else resolve_device(source.device)
    check_path(source.name)
    local = Path(source.name).is_dir()
    if local and source.revision:
        raise ModelError(
            f"{source.name} is a folder, which has no revisions; leave --revision out or name a "
            "model of the hub"
        )
    with quiet():
        offline = not local and not _reached(source)
        # Before transformers is asked, which does not know every family that there is.
        check_family(SimpleNamespace(**_raw_config(source, offline)), source.name)
        config = _config(source, offline)
        if check_family(config, source.name).neurons != ALL:
            source = replace(source, copies=1)
        parameters = count_parameters(config)
        needed = parameters * _bytes(source.dtype) * source.copies + WORKING
        # What a device map spreads is not for one device to hold.
        free = free_memory(device) if device else None
        found = Found(source, source.name, device, parameters, needed, free)
        if free is not None and needed > free:
            raise ModelError(f"model {source.name} does not fit: {found.said}; {_smaller(source)}")
        path = source.name if local else _download(source, offline)
        _check_weights(Path(path), source)
    return Found(source, path, device, parameters, needed, free)


def resolve_device(device: str) -> str:
    """`auto` is CUDA, then MPS, then the CPU; ModelError for one that this machine lacks."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    kind, _, number = device.partition(":")
    there = {"cpu": True, "mps": mps, "cuda": cuda}.get(kind, False)
    if not there or (number and kind == "cuda" and int(number) >= torch.cuda.device_count()):
        raise ModelError(
            f"device {device!r} is not on this machine; leave --device out for the best that is"
        )
    return device


def free_memory(device: str) -> int | None:
    """Bytes that a device can still give; None where it does not say."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    if device == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        own = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None
    return min([own, *_group_limit()])


def _group_limit() -> Iterator[int]:
    """What a container may still take (control groups, version 2)."""
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return
    if limit.isdigit():
        yield max(int(limit) - used, 0)


def count_parameters(config: Any) -> int:
    """How many a model of this configuration has; none is made for it."""
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(copy.deepcopy(config))  # type: ignore[no-untyped-call]
    return sum(parameter.numel() for parameter in model.parameters())


def _bytes(dtype: str) -> int:
    return int(torch.empty(0, dtype=getattr(torch, dtype)).element_size())


def _smaller(source: Source) -> str:
    ways = [] if source.dtype in ("bfloat16", "float16") else ["--dtype bfloat16"]
    if source.copies > 1:
        ways.append("reinitialised = false in a configuration file")
    if not source.device_map:
        ways.append("--device-map auto to spread it over several GPUs")
    return "try " + " or ".join([*ways, "a smaller model"])


def _size(number: int) -> str:
    return f"{number / 2**30:.1f} GiB" if number >= 2**30 else f"{number / 2**20:.0f} MiB"


def _reached(source: Source) -> bool:
    """Whether the hub answers; asked once, since the libraries ask six times, waiting longer each.

    ModelError where it answers that there is no such model, or not for this user.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(source.name, revision=source.revision, timeout=10)
    except HfHubHTTPError as error:
        raise ModelError(explain(source, error)) from error
    except Exception:  # noqa: BLE001 - no network, no name service, switched off: all the same
        return False
    return True


def _raw_config(source: Source, offline: bool) -> dict[str, Any]:
    from transformers import PretrainedConfig

    try:
        found, _ = PretrainedConfig.get_config_dict(
            source.name, revision=source.revision or "main", local_files_only=offline
        )
    except Exception as error:
        raise ModelError(explain(source, error, offline)) from error
    return dict(found)


def _config(source: Source, offline: bool) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(
            source.name,
            revision=source.revision or "main",
            trust_remote_code=False,
            local_files_only=offline,
        )
    except Exception as error:
        raise ModelError(explain(source, error, offline)) from error


def _download(source: Source, offline: bool) -> str:
    """The folder in which the hub's files are, fetched where they are not there yet."""
    from huggingface_hub import snapshot_download

    weights = [WEIGHTS, *([PICKLED] if source.pickle else [])]
    try:
        return str(
            snapshot_download(
                source.name,
                revision=source.revision,
                allow_patterns=[*_FILES, *weights],
                local_files_only=offline,
            )
        )
    except Exception as error:
        raise ModelError(explain(source, error, offline)) from error


def _check_weights(folder: Path, source: Source) -> None:
    """ModelError where there are none, or only pickled ones that nobody asked for."""
    if any(folder.glob(WEIGHTS)) or (source.pickle and any(folder.glob(PICKLED))):
        return
    if any(folder.glob(PICKLED)) or not Path(source.name).is_dir():
        raise ModelError(
            f"model {source.name} has no weights in safetensors; --pickle also takes "
            "pytorch_model.bin, if you trust where it comes from"
        )
    raise ModelError(
        f"model folder {source.name} has no weights; expected model.safetensors, or several with "
        "model.safetensors.index.json"
    )


def check_path(name: str) -> None:
    """ModelError for what looks like a path and is no folder in Hugging Face format."""
    path = Path(name)
    looks_local = path.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1
    if looks_local and not (path / "config.json").is_file():
        what = "has no config.json" if path.is_dir() else "is not a folder"
        raise ModelError(
            f"model path {name} {what}; expected a folder in Hugging Face format "
            "(config.json, model.safetensors, tokenizer.json) or a hub name"
        )


def explain(source: Source, error: Exception, offline: bool = False) -> str:
    """One line on why a model cannot be had, and what to do."""
    text = " ".join(str(error).split())
    # A key that was not found, or nothing at all, says less than the kind of the error.
    reason = printable(text if " " in text else f"{type(error).__name__}: {text}", 300)
    if "trust_remote_code" in text:
        return (
            f"model {source.name} comes with code of its own, which the labeler does not run; "
            "see `labeler models` for the families that need none"
        )
    if isinstance(error, JSONDecodeError | UnicodeDecodeError):
        for file in sorted(Path(source.name).glob("*.json")):
            if not _is_json(file):
                return damaged(file, error)
    if Path(source.name).exists():
        return f"model {source.name} cannot be loaded: {reason}"
    why = "it does not answer" if offline else type(error).__name__
    which = repr(source.name) + (f" at revision {source.revision!r}" if source.revision else "")
    return (
        f"model {which} cannot be had from the Hugging Face hub ({why}); without "
        "network pass --model FOLDER with a local copy, or leave --model out for the embedded "
        "story model"
    )


def damaged(file: Path, error: Exception) -> str:
    """One line on a file that cannot be read, and what to do."""
    return (
        f"{file} is damaged: {printable(str(error), 300)}; expected the file that came with the "
        "model: copy or download it anew"
    )


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


@contextmanager
def quiet() -> Iterator[None]:
    """Keep other libraries' progress bars and notices off the user's terminal."""
    import transformers

    before = os.environ.get("TQDM_DISABLE")
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("transformer_lens").setLevel(logging.ERROR)
    os.environ["TQDM_DISABLE"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = before
