"""What a photo costs in this model and in two others: parameters, multiplications, time, memory.

The others have random weights, which cost the same as trained ones:

- CLIPSeg (Lueddecke and Ecker, CVPR 2022) as transformers builds it by default, ViT-B/16 with the
  64-wide decoder, at its 352 pixels. One photo and one text, whose embedding is known beforehand.
- the image encoder of a MobileSAM-sized model: TinyViT-5M (Wu et al., ECCV 2022) from timm at
  SAM's 1024 pixels. Encoder only; prompts would come on top.

Each runs in a process of its own, so that its peak memory is its own.
"""

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from partclipseg import images
from partclipseg.errors import PartCLIPSegError
from partclipseg.evaluation.benchmark import Timing, timed
from partclipseg.evaluation.served import resident_mb
from partclipseg.geometry import Frame

OURS, CLIPSEG, TINYVIT = "partclipseg", "clipseg_352", "tinyvit_5m_1024"
RIVALS = (CLIPSEG, TINYVIT)

Encode = Callable[[], object]


def compare(
    model: str, photo: images.Photo, threads: int, times: int, rivals: Sequence[str] = RIVALS
) -> dict[str, dict[str, float | None]]:
    """Measure one model after the other on the same photo with the same number of threads.

    Args:
        model: name for ``partclipseg.load``.
        times: how often each photo is encoded.

    Returns:
        model -> ``parameters``, ``gmac``, ``encode_ms`` (median), ``best_ms``, ``cpu_ms`` (the
        processor's time), ``peak_mb`` (of the process) and ``extra_mb`` (of that, what model and
        photo added to the loaded libraries).

    Raises:
        PartCLIPSegError: transformers is not installed.
    """
    spawn = multiprocessing.get_context("spawn")
    measured = {}
    for name in (OURS, *rivals):
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            asked = pool.submit(measure, name, model, photo.array, threads, times)
            measured[name] = asked.result()
    return measured


def ratios(measured: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, float]]:
    """Ours divided by each rival's, figure by figure: below 1 ours costs less."""
    ours = measured[OURS]
    return {
        rival: {
            figure: round(mine / theirs, 4)
            for figure, theirs in row.items()
            if theirs and (mine := ours[figure]) is not None
        }
        for rival, row in measured.items()
        if rival != OURS
    }


def measure(
    name: str, model: str, pixels: Any, threads: int, times: int
) -> dict[str, float | None]:
    """One row of ``compare``, in the process that calls it."""
    torch.set_num_threads(threads)
    build = {OURS: _ours, CLIPSEG: _clipseg, TINYVIT: _tinyvit}[name]
    _libraries(name)
    before = resident_mb()
    module, encode = build(model, pixels)
    with torch.inference_mode():
        timing: Timing = timed(encode, times, 1)
        peak = resident_mb(field="VmHWM")
        gmac = multiplications(encode) / 1e9
    extra = None if peak is None or before is None else round(peak - before, 1)
    return {
        "parameters": sum(p.numel() for p in module.parameters()),
        "gmac": round(gmac, 4),
        "encode_ms": round(timing.median, 3),
        "best_ms": round(timing.best, 3),
        "cpu_ms": round(timing.cpu, 3),
        "peak_mb": None if peak is None else round(peak, 1),
        "extra_mb": extra,
    }


def multiplications(run: Encode) -> float:
    """Multiply-adds of matrix products, convolutions and attention in one call of ``run()``."""
    from torch.utils.flop_counter import FlopCounterMode

    # The counter does not know the fused attention of CPUs; the plain one costs as many.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 2


def resized(pixels: Any, size: tuple[int, int]) -> Tensor:
    """``(H, W, 3)`` uint8 -> ``(1, 3, h, w)`` float in [0, 1]; ``size`` is (height, width)."""
    batch = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    return nn.functional.interpolate(batch, size, mode="bilinear", antialias=True)


def _ours(model: str, pixels: Any) -> tuple[nn.Module, Encode]:
    from partclipseg import load

    loaded = load(model, "cpu")
    height, width = pixels.shape[:2]
    grid = Frame.fit(width, height, loaded.config.image_size).image_to_model(pixels)
    photo = torch.from_numpy(grid.copy()).permute(2, 0, 1)[None].float() / 255
    photo = photo.contiguous(memory_format=torch.channels_last)
    return loaded, lambda: loaded.encode(photo)


def _libraries(name: str) -> None:
    """Import what a model is made of, so that it does not count as the model's own memory."""
    import timm  # noqa: F401

    if name == CLIPSEG:
        _transformers()
    if name == OURS:
        import open_clip  # noqa: F401

        import partclipseg.loading  # noqa: F401


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise PartCLIPSegError(
            "The comparison with CLIPSeg needs transformers: pip install -r requirements-train.txt"
        ) from error
    return transformers


def _clipseg(model: str, pixels: Any) -> tuple[nn.Module, Encode]:
    transformers = _transformers()
    # The defaults but for the patches: the published weights are those of a ViT-B/16.
    config = transformers.CLIPSegConfig(vision_config={"patch_size": 16})
    built = transformers.CLIPSegForImageSegmentation(config).eval()
    photo = resized(pixels, (352, 352))
    with torch.inference_mode():
        words = built.get_conditional_embeddings(
            batch_size=1, input_ids=torch.tensor([[49406, 320, 4269, 49407]])
        )
    return built, lambda: built(pixel_values=photo, conditional_embeddings=words)


def _tinyvit(model: str, pixels: Any) -> tuple[nn.Module, Encode]:
    import timm

    built: Any = timm.create_model("tiny_vit_5m_224", num_classes=0).eval()  # takes any size
    photo = resized(pixels, (1024, 1024))
    return built, lambda: built.forward_features(photo)


def table(measured: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """Lines for the terminal: a row a model, then ours divided by the others'."""
    columns = list(measured[OURS])
    lines = [" ".join([f"{'':<18}", *(f"{column:>12}" for column in columns)])]
    for name, row in measured.items():
        cells = (_figure(row[column]) for column in columns)
        lines.append(" ".join([f"{name:<18}", *(f"{cell:>12}" for cell in cells)]))
    for rival, ratio in ratios(measured).items():
        cells = (_figure(ratio.get(column)) for column in columns)
        lines.append(" ".join([f"/ {rival:<16}", *(f"{cell:>12}" for cell in cells)]))
    return lines


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 10_000 else f"{value:.3f}"
