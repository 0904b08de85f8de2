"""What the benchmarks on NEST share: the kernel, a recorder that counts, and windows without preparation in them."""

from __future__ import annotations

import nest
from peer import arguments, measure

DT = 0.1


def begin(description: str, neurons: int, duration: float = 1.0, **options):
    """The command line, with NEST ready."""
    args = arguments(description, neurons, duration, **options)
    if args.precision != "double":
        raise SystemExit("NEST computes in double precision")
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = DT
    nest.local_num_threads = args.threads
    nest.rng_seed = 1
    return args


def end(args, benchmark: str, population) -> None:
    """Record the population's spikes, run and print."""
    recorder = nest.Create("spike_recorder")
    nest.Connect(population, recorder)
    nest.Prepare()
    measure(
        args,
        benchmark,
        "nest",
        nest.__version__,
        lambda s: nest.Run(round(1000 * s / DT) * DT),
        lambda: recorder.n_events,
    )
    nest.Cleanup()


def random_pairs(pre, post, p: float, weight: float, delay: float = DT) -> None:
    """Each pair with a probability."""
    rule = {"rule": "pairwise_bernoulli", "p": min(1.0, p), "allow_autapses": True}
    nest.Connect(pre, post, rule, {"synapse_model": "static_synapse", "weight": weight, "delay": delay})
