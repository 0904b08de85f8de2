"""Writes tests/golden/learning.npz: losses and gradients of three networks by PyTorch's autograd, in float32 and float64. Run where PyTorch is:

    /path/to/python/with/torch tests/golden_learning.py

The networks (LIF, ALIF with a threshold that adapts, liquid time constants) are written out here step by step, in the order in which eqsnn does a
step: update, threshold, arrivals, reset; test_learning.py has the same as equations.
"""

from pathlib import Path

import numpy as np
import torch

STEPS, BATCH, N_IN, N, N_OUT = 40, 5, 6, 8, 3


class Spike(torch.autograd.Function):
    """A step with the surrogate of SuperSpike: 1/(1 + |x|)^2."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.gt(0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad / (1 + x.abs()) ** 2


def values(seed: int) -> dict[str, np.ndarray]:
    """Weights, parameters, samples and targets."""
    rng = np.random.default_rng(seed)
    return {
        "w_in": rng.normal(0, 1.0, (N_IN, N)),
        "w_rec": rng.normal(0, 0.4, (N, N)),
        "w_out": rng.normal(0, 0.5, (N, N_OUT)),
        "tau": rng.uniform(5, 20, N),
        "tau_a": rng.uniform(20, 60, N),
        "bias": rng.normal(0, 0.05, N),
        "gate": rng.normal(0, 1.0, N),
        "tau_out": rng.uniform(5, 20, N_OUT),
        "x": (rng.random((BATCH, STEPS, N_IN)) < 0.25).astype(float),
        "y": rng.integers(0, N_OUT, (BATCH, STEPS)),
    }


def step(model: str, p, u, b, drive):
    """State after the update, and the margin of the threshold."""
    if model == "lif":
        a = torch.exp(-1 / p["tau"])
        u = a * u + (1 - a) * (drive + p["bias"])
        return u, b, u - 0.1
    if model == "alif":
        a, rho = torch.exp(-1 / p["tau"]), torch.exp(-1 / p["tau_a"])
        u, b = a * u + (1 - a) * (drive + p["bias"]), rho * b
        return u, b, u - (0.1 + 1.8 * b)
    k = 1 / (1 + torch.exp(-(p["gate"] * u + drive - 1.0)))  # ltc: the time constant depends on input and state
    u = u + k * (drive + p["bias"] - u)
    return u, b, u - 0.5


def reset(model: str, u, b, s):
    """After a spike."""
    if model == "lif":
        return u - s * 0.1, b
    if model == "alif":
        return u - s * (0.1 + 1.8 * b), b + s * 0.1
    return (1 - s) * u, b


def run(model: str, given: dict, dtype) -> dict:
    p = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in given.items() if k not in ("x", "y")}
    x, y = torch.tensor(given["x"], dtype=dtype), torch.tensor(given["y"])
    u = b = s = torch.zeros(BATCH, N, dtype=dtype)
    v = torch.zeros(BATCH, N_OUT, dtype=dtype)
    before = torch.zeros(BATCH, N_IN, dtype=dtype)
    a_out = torch.exp(-1 / p["tau_out"])
    out, spikes = [], 0.0
    for t in range(STEPS):
        drive, heard = before @ p["w_in"] + s @ p["w_rec"], s
        v = a_out * v + (1 - a_out) * (heard @ p["w_out"])
        u, b, margin = step(model, p, u, b, drive)
        s = Spike.apply(margin)
        u, b = reset(model, u, b, s)
        before = x[:, t]
        out.append(v)
        spikes += float(s.sum())
    loss = torch.nn.functional.cross_entropy(torch.stack(out, 1).reshape(-1, N_OUT), y.reshape(-1))
    loss.backward()
    found = {k: (q.grad if q.grad is not None else torch.zeros_like(q)).numpy() for k, q in p.items()}
    return {"loss": float(loss), "spikes": spikes, **found}


if __name__ == "__main__":
    golden = {}
    for seed, model in enumerate(("lif", "alif", "ltc")):
        given = values(seed)
        golden |= {f"{model}/given/{k}": v for k, v in given.items()}
        for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
            for k, v in run(model, given, dtype).items():
                golden[f"{model}/{name}/{k}"] = v
        print(model, golden[f"{model}/float64/loss"], golden[f"{model}/float64/spikes"])
    np.savez_compressed(Path(__file__).parent / "golden" / "learning.npz", **golden)
