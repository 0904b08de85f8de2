"""The network of recurrent.py as people write it with PyTorch, in the virtual environment of PyTorch: ``go`` on the standard input makes one
forward and backward pass and prints its CPU seconds."""

import math
import sys
import time

import numpy as np
import torch

torch.set_num_threads(1)


class Spike(torch.autograd.Function):
    """A step with the surrogate 1/(1 + |x|)^2."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.gt(0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad / (1 + x.abs()) ** 2


def loss_of(p, x, y):
    """Cross-entropy of the readout's mean membrane."""
    a, b = math.exp(-1 / 5), math.exp(-1 / 20)
    u = s = x.new_zeros(len(x), 256)
    v, total = x.new_zeros(len(x), 20), 0
    for t in range(x.shape[1]):
        u = a * u + (1 - a) * (x[:, t] @ p["w_in"] + s @ p["w_rec"])
        s = Spike.apply(u - 0.5)
        u = u - 0.5 * s
        v = b * v + (1 - b) * (s @ p["w_out"])
        total = total + v
    return torch.nn.functional.cross_entropy(total / x.shape[1], y)


def main():
    """Answers."""
    z = np.load(sys.argv[1])
    p = {name: torch.nn.Parameter(torch.tensor(z[name])) for name in ("w_in", "w_rec", "w_out")}
    x, y = torch.tensor(z["x"]).float(), torch.tensor(z["y"])
    print("torch", torch.__version__, loss_of(p, x, y).item(), flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        for q in p.values():
            q.grad = None
        loss_of(p, x, y).backward()
        print(time.process_time() - start, flush=True)


main()
