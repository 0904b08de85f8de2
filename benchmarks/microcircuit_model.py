"""The numbers of the cortical microcircuit (Potjans and Diesmann 2014, Cerebral Cortex 24:785, tables 4 and 5), without any simulator.

All in ms, mV, pA, pF and Hz. Scaled down, the network has fewer neurons and each fewer synapses; weights grow and a constant current is added so
that mean and variance of the input are those of the full network (van Albada et al. 2015, PLOS Comput. Biol. 11:e1004490).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

POPULATIONS = ("L2/3E", "L2/3I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")
SIZE = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
PROBABILITY = np.array(  # to the row, from the column
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
        [0.0077, 0.0059, 0.0497, 0.135, 0.0067, 0.0003, 0.0453, 0.0],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.06, 0.3158, 0.0086, 0.0],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.001, 0.0034, 0.0005, 0.0277, 0.008, 0.0658, 0.1443],
    ]
)
EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])  # synapses from outside, each at 8 Hz
BACKGROUND = 8.0
FULL_RATES = np.array(
    [0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523]
)  # of the full network in NEST (its example Potjans_2014)
TAU_M, TAU_SYN, C_M, E_L, V_TH, V_RESET, T_REF = 10.0, 0.5, 250.0, -65.0, -50.0, -65.0, 2.0
PSP, G, WEIGHT_SPREAD = 0.15, -4.0, 0.1
DELAY = {"E": (1.5, 0.75), "I": (0.8, 0.4)}  # mean and standard deviation
V_START = (-58.0, 10.0)


def current_of(psp: float) -> float:
    """The amplitude of an exponential current, in pA, that makes a potential of ``psp`` mV."""
    ratio, gap = TAU_M / TAU_SYN, TAU_M - TAU_SYN
    return psp * C_M * gap / (TAU_M * TAU_SYN * (ratio ** (-TAU_SYN / gap) - ratio ** (-TAU_M / gap)))


@dataclass(frozen=True)
class Microcircuit:
    """``size`` neurons a population; ``synapses[to, from]`` in all and ``weight[to, from]``; ``external`` synapses of ``drive`` pA; constant
    ``current`` in pA."""

    size: np.ndarray
    synapses: np.ndarray
    weight: np.ndarray
    external: np.ndarray
    drive: float
    current: np.ndarray


def microcircuit(scale: float = 1.0) -> Microcircuit:
    """The network with ``scale`` times the neurons, and times the synapses of each."""
    pairs = np.outer(SIZE, SIZE).astype(float)
    full = np.log1p(-PROBABILITY) / np.log1p(-1 / pairs)
    amplitude = current_of(PSP)
    weight = np.where(np.arange(8) % 2 == 0, amplitude, G * amplitude) * np.ones((8, 8))
    weight[0, 2] *= 2
    size = np.round(SIZE * scale).astype(int)
    in_degree = full / SIZE[:, None]
    mean = 1e-3 * TAU_SYN * ((weight * in_degree) @ FULL_RATES + amplitude * EXTERNAL * BACKGROUND)
    return Microcircuit(
        size=size,
        synapses=np.round(in_degree * scale * size[:, None]).astype(int),
        weight=weight / np.sqrt(scale),
        external=np.round(EXTERNAL * scale).astype(int),
        drive=amplitude / np.sqrt(scale),
        current=(1 - np.sqrt(scale)) * mean,
    )


def statistics(index: np.ndarray, seconds: np.ndarray, n: int, start: float, stop: float) -> dict[str, float]:
    """Mean rate in Hz, CV of the inter-spike intervals, and correlation of counts in bins of 2 ms, as in the paper of 2014: of up to 1,000
    neurons (CV: those with at least 3 spikes; correlation: of 200 that spiked)."""
    keep = (seconds >= start) & (seconds < stop)
    index, seconds = index[keep], seconds[keep]
    order = np.lexsort((seconds, index))
    index, seconds = index[order], seconds[order]
    cuts = np.searchsorted(index, np.arange(n + 1))
    cvs = []
    for k in range(min(n, 1000)):
        gaps = np.diff(seconds[cuts[k] : cuts[k + 1]])
        if len(gaps) >= 2:
            cvs.append(gaps.std() / gaps.mean())
    active = np.flatnonzero(np.diff(cuts))[:200]
    bins = np.arange(start, stop + 1e-9, 2e-3)
    counts = np.array([np.histogram(seconds[cuts[k] : cuts[k + 1]], bins)[0] for k in active])
    correlation = np.nan
    if len(active) > 1:
        matrix = np.corrcoef(counts)
        correlation = float(np.nanmean(matrix[~np.eye(len(active), dtype=bool)]))
    rate = len(index) / n / (stop - start)
    return {"rate": rate, "cv": float(np.mean(cvs)) if cvs else float("nan"), "correlation": correlation}
