"""The network of ecg.py as people write it with PyTorch: one forward and backward pass of one batch. Runs in the virtual environment of PyTorch,
which need not have eqsnn, and speaks line by line on its standard input: ``go`` makes one batch and prints its CPU seconds."""

import math
import sys
import time

import torch

torch.set_num_threads(1)


def normal(x, mean, sd):
    return torch.exp(-((x - mean) ** 2) / (2 * sd**2)) / math.sqrt(2 * math.pi) / sd


class Spike(torch.autograd.Function):
    """A step with the multi-Gaussian surrogate of Yin, Corradi & Bohte 2021."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.gt(0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        slope = 1.15 * normal(x, 0.0, 0.5) - 0.15 * normal(x, 0.5, 3.0) - 0.15 * normal(x, -0.5, 3.0)
        return grad * slope * 0.5


class Net(torch.nn.Module):
    """4-36r-6; ``values``: the tensors of shared/data/yin_weights, or random ones."""

    def __init__(self, values=None, th0=0.1, dtype=torch.float32):
        super().__init__()
        given = values or {
            "i2h.weight": torch.nn.init.xavier_uniform_(torch.empty(36, 4)),
            "h2h.weight": torch.nn.init.orthogonal_(torch.empty(36, 36)),
            "h2o.weight": torch.nn.init.xavier_uniform_(torch.empty(6, 36)),
            "i2h.bias": torch.zeros(36), "h2h.bias": torch.zeros(36), "h2o.bias": torch.zeros(6),
            "tau_m_h": torch.full((36,), 20.0), "tau_m_o": torch.full((6,), 20.0), "tau_adp_o": torch.full((6,), 100.0),
        }  # fmt: skip
        self.p = torch.nn.ParameterDict(
            {k.replace(".", "_"): torch.nn.Parameter(torch.as_tensor(v).to(dtype)) for k, v in given.items()}
        )
        self.th0 = th0

    def forward(self, x):
        p, n = self.p, len(x)
        a_h, a_o = torch.exp(-1 / p["tau_m_h"]), torch.exp(-1 / p["tau_m_o"])
        rho = torch.exp(-1 / p["tau_adp_o"])
        u = s = x.new_zeros(n, 36)
        v = z = x.new_zeros(n, 6)
        b = x.new_full((n, 6), self.th0)
        out = []
        for t in range(x.shape[1]):
            drive = x[:, t] @ p["i2h_weight"].T + p["i2h_bias"] + s @ p["h2h_weight"].T + p["h2h_bias"]
            u = a_h * u + (1 - a_h) * drive - self.th0 * s
            s = Spike.apply(u - self.th0)
            b = rho * b + (1 - rho) * z
            theta = self.th0 + 1.8 * b
            v = a_o * v + (1 - a_o) * (s @ p["h2o_weight"].T + p["h2o_bias"]) - theta * z
            z = Spike.apply(v - theta)
            out.append(v)
        return torch.stack(out, 1)


def loss_of(net, x, y, start=10):
    """Cross-entropy of the membranes, in the mean over samples and steps."""
    v = net(x)[:, start:]
    return torch.nn.functional.cross_entropy(v.reshape(-1, 6), y[:, start:].reshape(-1))


if __name__ == "__main__":
    import numpy as np

    data = np.load(sys.argv[1])
    torch.manual_seed(0)
    net, x, y = Net(), torch.as_tensor(data["x"]).float(), torch.as_tensor(data["y"])
    print("ready", torch.__version__, flush=True)
    for _ in sys.stdin:
        start = time.process_time()
        net.zero_grad()
        loss_of(net, x, y).backward()
        print(time.process_time() - start, flush=True)
