#!/usr/bin/env python3
"""Writes tests/golden/quant/small/gptaq.safetensors: codes of GPTQModel's GPTAQ for a small matrix.

W and the inputs are drawn here; x stands for the inputs behind quantized layers, y for those of the original model. H = 2/n x^T x and
D = 2/n (y - x)^T x are handed in as the reference's own sums (`H`, `dXXT`), so that only its quantization runs. 4 bits, groups of
64, integer zeros, damping 0.01, alpha 0.25; inputs in the natural order with dynamic groups, and by activation with static ones.

    python tests/golden/scripts/make_gptaq.py        # needs torch, gptqmodel 7.7.0, safetensors
"""
import os
import pathlib

cores = os.cpu_count() or 1
os.cpu_count = lambda: max(4, cores)  # the package refuses to be imported with fewer
import torch  # noqa: E402
from gptqmodel.quantization import QuantizeConfig  # noqa: E402
from gptqmodel.quantization.config import GPTAQConfig  # noqa: E402
from gptqmodel.quantization.gptaq import GPTAQ  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent.parent
ROWS, COLS, TOKENS = 24, 160, 400


def quantize(w, h, d, desc_act):
    config = QuantizeConfig(bits=4, group_size=64, sym=False, desc_act=desc_act, static_groups=desc_act, act_group_aware=False,
                            damp_percent=0.01, mse=0.0, gptaq=GPTAQConfig(alpha=0.25))
    layer = torch.nn.Linear(COLS, ROWS, bias=False)
    layer.weight.data = w.clone()
    layer.state = {"native_inp": []}
    task = GPTAQ(layer, config)
    task.quantizer.configure(perchannel=True)
    task.H, task.dXXT, task.nsamples, task._gptaq_batch_request_count = h.clone(), d.clone(), TOKENS, TOKENS
    q, scale, zero, *_ = task.quantize()
    groups = torch.arange(COLS) // 64
    s, z = scale[:, groups], zero[:, groups]
    return torch.round(q / s + z).to(torch.uint8).contiguous()


def main():
    torch.manual_seed(11)
    w = (torch.randn(ROWS, COLS) * 0.05).half().float()
    shared = torch.randn(TOKENS, 1)
    y = torch.randn(TOKENS, COLS) * torch.linspace(0.3, 2.0, COLS)[torch.randperm(COLS)] + shared
    x = 0.9 * y + 0.2 * shared + 0.2 * torch.randn(TOKENS, COLS)
    h = 2.0 / TOKENS * x.T @ x
    d = 2.0 / TOKENS * (y - x).T @ x
    out = {"W": w, "H": h, "D": d}
    for name, desc_act in (("natural", False), ("activation", True)):
        out[name + ".codes"] = quantize(w, h, d, desc_act)
    save_file({k: v.contiguous() for k, v in out.items()}, str(HERE / "quant" / "small" / "gptaq.safetensors"))


if __name__ == "__main__":
    main()
