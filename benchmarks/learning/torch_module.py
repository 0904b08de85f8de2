"""A layer of leaky neurons in PyTorch: ``eq.torch_module`` beside the same neurons as a loop of torch operations, forward and backward.

    python benchmarks/learning/torch_module.py [--neurons 256] [--steps 250] [--batch 128] [--rounds 7]

CPU seconds of one thread; the two take turns, and the fastest of each counts. The last line is JSON.
"""

import argparse
import json
import time

import torch

import eqsnn as eq
from eqsnn import ms


class Spike(torch.autograd.Function):
    """A step with the fast sigmoid's slope."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad / (1 + x.abs()) ** 2


def loop(x, tau):
    """The neurons as people write them."""
    alpha, u, spikes = torch.exp(-1 / tau), x.new_zeros(len(x), x.shape[2]), []
    for current in x.unbind(1):
        u = current + (u - current) * alpha
        s = Spike.apply(u - 0.3)
        u = u - 0.3 * s
        spikes.append(s)
    return torch.stack(spikes, 1)


def stepwise(module, x):
    """The module, a step at a time."""
    state, spikes = module.start(len(x)), []
    for current in x.unbind(1):
        s, state = module(current, state=state)
        spikes.append(s)
    return torch.stack(spikes, 1)


def main(args) -> dict:
    """CPU seconds of each way, and the ratios."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    eq.defaultclock.dt = 1 * ms
    module = eq.torch_module(
        "du/dt = (I - u)/tau : 1\nI : 1 (input)\ntau : second (trainable)",
        n=args.neurons,
        threshold="u > 0.3",
        reset="u -= 0.3",
        surrogate="fast_sigmoid",
        values={"tau": 10 * ms},
    )
    x = (0.3 + torch.randn(args.batch, args.steps, args.neurons)).requires_grad_()
    ways = {
        "module": lambda: module(x),
        "module step by step": lambda: stepwise(module, x),
        "torch": lambda: loop(x, module.tau),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(args.rounds + 1):
        for name, way in ways.items():
            module.zero_grad()
            x.grad = None
            start = time.process_time()
            spikes = way()
            spikes.sum().backward()
            best[name] = min(best[name], time.process_time() - start)
    print(f"{args.batch} samples, {args.steps} steps, {args.neurons} neurons, rate {spikes.mean():.3f}")
    return {**best, "ratio": best["torch"] / best["module"], "torch_version": torch.__version__}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("neurons", 256), ("steps", 250), ("batch", 128), ("rounds", 7)):
        parser.add_argument(f"--{option}", type=int, default=default)
    print(json.dumps(main(parser.parse_args())))
