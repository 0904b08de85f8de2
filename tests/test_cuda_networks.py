"""Whole networks: the examples at a reduced size have the spikes, states and weights of the C backend, bit by bit."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cuda_examples import EXAMPLES, SIZES, outcome

ELSEWHERE = {
    "ecg_population",
    "spoken_digit",
    "train_ecg",
    "train_smnist",
    "spoken_digits",
    "fit_neuron_parameters",
    "train_online_fptt",
    "eprop_pattern",
    "torch_layer",
    "export_c",
}
"""They need recordings or PyTorch, are trained or run no network; their kernels are those of the others."""
LONG = {
    "hodgkin_huxley_fi",
    "spike_frequency_adaptation",
    "short_term_plasticity",
    "homeostatic_stdp",
    "jeffress",
    "fi_sweep",
    "adex_patterns",
    "microcircuit",
    "cuda_kernels",
}
"""They take minutes here; the last compares with the interpreter itself. Their kernels are compiled (test_cuda_nvcc.py)."""


def test_every_example_is_known():
    assert {p.stem for p in EXAMPLES.glob("*.py")} == {*SIZES, *ELSEWHERE}


@pytest.mark.parametrize("name", sorted({*SIZES} - LONG))
def test_an_example_has_the_bits_of_the_c_backend(name):
    first, second = outcome(name, "c"), outcome(name, "cuda-host")
    assert first.keys() == second.keys() and len(first) > 3
    for key, values in first.items():
        np.testing.assert_array_equal(values, second[key], err_msg=key)
    assert any(len(v) for k, v in first.items() if k.endswith(".t")) or not any(k.endswith(".t") for k in first)


@pytest.mark.parametrize("name", ["cuba", "brunel2000"])
def test_sums_in_any_order_give_the_same_statistics(name):
    """Brunel's and the CUBA network add one number at every synapse: that is counted, so that nothing differs at all."""
    first, second = outcome(name, "c"), outcome(name, "cuda-host", deterministic=False)
    for key, values in first.items():
        np.testing.assert_array_equal(values, second[key], err_msg=key)


def test_with_weights_of_their_own_rates_are_the_same():
    first, second = outcome("izhikevich2003", "c"), outcome("izhikevich2003", "cuda-host", deterministic=False)
    counts = [len(next(v for k, v in found.items() if k.endswith(".t"))) for found in (first, second)]
    assert counts[0] > 50 and abs(counts[0] - counts[1]) <= 3 * np.sqrt(counts[0])
