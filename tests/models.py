"""The models of the suite: each function builds a small network and returns it with what is to be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import eqsnn as eq
from eqsnn import Hz, ms, mV, nA, nS, pF, second


@dataclass
class Case:
    """A network, and what it records."""

    network: eq.Network
    spikes: list
    states: list
    arrays: list

    def outcome(self) -> list[np.ndarray]:
        """Everything recorded, and the final state of the named arrays."""
        found = [x for m in self.spikes for x in (m.i, m.t_)]
        for m in self.states:
            found += [np.asarray(getattr(m, n)) for n in m.names]
        return found + [np.asarray(group.state(name)[:]) for group, name in self.arrays]


def cuba(n=200):
    space = {
        "taum": 20 * ms,
        "taue": 5 * ms,
        "taui": 10 * ms,
        "Vt": -50 * mV,
        "Vr": -60 * mV,
        "El": -49 * mV,
        "we": 8 * mV,
        "wi": -20 * mV,
    }
    G = eq.NeuronGroup(
        n,
        """dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
        dge/dt = -ge/taue : volt
        dgi/dt = -gi/taui : volt""",
        threshold="v > Vt",
        reset="v = Vr",
        refractory=5 * ms,
        namespace=space,
    )
    G.v = "Vr + rand()*(Vt - Vr)"
    k = int(0.8 * n)
    E = eq.Synapses(G[:k], G, on_pre="ge += we", namespace=space)
    inhibitory = eq.Synapses(G[k:], G, on_pre="gi += wi", delay=1 * ms, namespace=space)
    E.connect(p=0.1)
    inhibitory.connect(p=0.1)
    M, S = eq.SpikeMonitor(G), eq.StateMonitor(G, ["v", "ge", "gi"], record=[0, 1, n - 1])
    return Case(eq.Network(G, E, inhibitory, M, S), [M], [S], [(G, "v"), (G, "not_refractory")])


HH = """
dv/dt = (gl*(El - v) + ge*(Ee - v) - g_na*m**3*h*(v - ENa) - g_kd*n**4*(v - EK) + I)/Cm : volt
dm/dt = 0.32*(mV**-1)*4*mV/exprel((13*mV - v + VT)/(4*mV))/ms*(1 - m) - 0.28*(mV**-1)*5*mV/exprel((v - VT - 40*mV)/(5*mV))/ms*m : 1
dn/dt = 0.032*(mV**-1)*5*mV/exprel((15*mV - v + VT)/(5*mV))/ms*(1 - n) - .5*exp((10*mV - v + VT)/(40*mV))/ms*n : 1
dh/dt = 0.128*exp((17*mV - v + VT)/(18*mV))/ms*(1 - h) - 4./(1 + exp((40*mV - v + VT)/(5*mV)))/ms*h : 1
dge/dt = -ge/taue : siemens
I : amp
"""
HH_SPACE = {
    "Cm": 200 * pF,
    "gl": 10 * nS,
    "El": -60 * mV,
    "EK": -90 * mV,
    "ENa": 50 * mV,
    "g_na": 20000 * nS,
    "g_kd": 6000 * nS,
    "VT": -63 * mV,
    "taue": 5 * ms,
    "Ee": 0 * mV,
}


def cobahh(n=30):
    G = eq.NeuronGroup(n, HH, threshold="v > -20*mV", refractory=3 * ms, method="exponential_euler", namespace=HH_SPACE)
    G.v = "-65*mV + rand()*5*mV"
    G.I = "i*20*pA"
    S = eq.Synapses(G, G, on_pre="ge += 6*nS", delay=0.5 * ms)
    S.connect(p=0.1)
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, ["v", "m", "h", "n"], record=[0, n - 1])
    return Case(eq.Network(G, S, M, V), [M], [V], [(G, "v")])


def stdp(n=20):
    taupre = taupost = 20 * ms
    space = {"taupre": taupre, "taupost": taupost, "wmax": 0.05, "dApre": 0.01, "dApost": -0.0105, "taum": 10 * ms}
    P = eq.PoissonGroup(n, 60 * Hz)
    G = eq.NeuronGroup(4, "dv/dt = (0.2 - v)/taum : 1", threshold="v > 0.5", reset="v = 0", namespace=space)
    S = eq.Synapses(
        P,
        G,
        """w : 1
        dApre/dt = -Apre/taupre : 1 (event-driven)
        dApost/dt = -Apost/taupost : 1 (event-driven)""",
        on_pre="""v_post += 8*w
        Apre += dApre
        w = clip(w + Apost, 0, wmax)""",
        on_post="""Apost += dApost
        w = clip(w + Apre, 0, wmax)""",
        namespace=space,
    )
    S.connect()
    S.w = "rand()*wmax"
    S.delay = "rand()*3*ms"
    M, W = eq.SpikeMonitor(G), eq.StateMonitor(S, ["w", "Apre"], record=[0, 7, 4 * n - 1])
    return Case(eq.Network(P, G, S, M, W), [M], [W], [(S, "w"), (S, "Apost")])


def izhikevich(n=50):
    G = eq.NeuronGroup(
        n,
        """dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1
        du/dt = a*(b*v - u)/ms : 1
        I = 5 + 3*rand() : 1 (constant over dt)
        a : 1 (constant)
        b : 1 (constant)
        c : 1
        d : 1""",
        threshold="v >= 30",
        reset="v = c; u += d",
        method="euler",
    )
    G.a, G.b, G.c, G.d = "0.02 + 0.08*rand()", 0.2, "-65 + 15*rand()**2", 8
    G.v, G.u = -65, "b*v"
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", dt=0.1 * ms)
    S.connect(p=0.2)
    S.w = "0.5*rand()"
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, ["v", "u"], record=True)
    return Case(eq.Network(G, S, M, V), [M], [V], [(G, "v"), (G, "u")])


def adex(n=20):
    space = {
        "C": 281 * pF,
        "gL": 30 * nS,
        "EL": -70.6 * mV,
        "VT": -50.4 * mV,
        "DT": 2 * mV,
        "tauw": 144 * ms,
        "a": 4 * nS,
        "b": 0.0805 * nA,
    }
    G = eq.NeuronGroup(
        n,
        """dv/dt = (gL*(EL - v) + gL*DT*exp((v - VT)/DT) + I - w)/C : volt
        dw/dt = (a*(v - EL) - w)/tauw : amp
        I : amp""",
        threshold="v > VT + 5*DT",
        reset="v = EL; w += b",
        method="rk4",
        namespace=space,
    )
    G.v, G.I = "EL", "(0.5 + 0.05*i)*nA"
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, ["v", "w"], record=[0, n - 1])
    return Case(eq.Network(G, M, V), [M], [V], [(G, "v")])


def noisy(n=40):
    G = eq.NeuronGroup(
        n,
        """dv/dt = (mu - v)/tau + sigma*sqrt(2/tau)*xi : 1 (unless refractory)
        dtheta/dt = -theta/(50*ms) : 1
        mu : 1
        sigma : 1 (shared)""",
        threshold="v > 1 + theta",
        reset="v = 0; theta += 0.1",
        refractory="2*ms + theta*ms",
        namespace={"tau": 10 * ms},
    )
    G.mu, G.sigma = "0.5 + i/40.", 0.5
    PI = eq.PoissonInput(G, "v", 20, 30 * Hz, 0.05)
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, ["v", "theta", "sigma"], record=[0, n - 1])
    return Case(eq.Network(G, PI, M, V), [M], [V], [(G, "v"), (G, "lastspike")])


def multiplicative(n=20):
    G = eq.NeuronGroup(
        n, "dx/dt = -x/tau + 0.3*x*xi_a/sqrt(tau) + 0.1*xi_b/sqrt(tau) : 1", method="heun", namespace={"tau": 10 * ms}
    )
    G.x = 1
    V = eq.StateMonitor(G, "x", record=True)
    return Case(eq.Network(G, V), [], [V], [(G, "x")])


def gap_junctions(n=10):
    G = eq.NeuronGroup(
        n,
        """dv/dt = (v0 - v + Igap)/(10*ms) : 1
        Igap : 1
        v0 : 1""",
        threshold="v > 1",
        reset="v = 0",
    )
    G.v0 = "1 + 0.1*i"
    S = eq.Synapses(G, G, "w : 1\nIgap_post = w*(v_pre - v_post) : 1 (summed)")
    S.connect("i != j")
    S.w = 0.02
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, ["v", "Igap"], record=True)
    return Case(eq.Network(G, S, M, V), [M], [V], [(G, "v")])


def driven(n=10):
    drive = eq.TimedArray(np.linspace(0.5, 2, 20), dt=2 * ms)
    columns = eq.TimedArray(np.arange(30).reshape(3, 10) / 10.0, dt=5 * ms)
    G = eq.NeuronGroup(
        n,
        """dv/dt = (drive(t) + columns(t, i) - v)/(5*ms) : 1
        dy/dt = (clip(v, 0.2, 0.8) - y)/(3*ms) : 1
        z = int(v > 0.5) + timestep(t, dt) % 3 : 1""",
        threshold="v > 1 and i % 2 == 0 or v > 1.5",
        reset="v -= 1",
        method="rk2",
        namespace={"drive": drive, "columns": columns},
    )
    SG = eq.SpikeGeneratorGroup(3, [0, 1, 2, 0], [1, 2, 3, 4] * ms, period=5 * ms)
    S = eq.Synapses(
        SG,
        G,
        "dg/dt = -g/(4*ms) : 1 (clock-driven)\nw : 1",
        on_pre="g += w; v_post += 0.1*g",
        method="exponential_euler",
    )
    S.connect(j="k for k in range(i, i + 4)")
    S.w = "0.1*(j + 1)"
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, ["v", "y", "z"], record=True)
    W = eq.StateMonitor(S, "g", record=[0, 5])
    return Case(eq.Network(G, SG, S, M, V, W), [M], [V, W], [(G, "v"), (S, "g")])


def keywords():
    """Names that mean something in C, C++, CUDA or sympy."""
    names = [
        "NULL",
        "errno",
        "M_PI",
        "I",
        "E",
        "S",
        "Q",
        "int64_t",
        "double",
        "class",
        "template",
        "blockIdx",
        "beta",
        "gamma",
    ]
    text = "dregister/dt = (auto - register)/(10*ms) : 1\nauto : 1\n" + "\n".join(f"{n} : 1" for n in names)
    text += f"\ntotal = {' + '.join(names)} : 1"
    G = eq.NeuronGroup(4, text, threshold="register > 0.5", reset="register = 0; restrict = E + 1; E = restrict")
    for k, name in enumerate(names):
        setattr(G, name, 0.1 * (k + 1))
    G.auto = 1
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(G, ["register", "total", "E"], record=True)
    return Case(eq.Network(G, M, V), [M], [V], [(G, "E")])


def astrocytes(n=12):
    """Synapses that are themselves connected: sums into them and out of them, spikes that change them, both ends in one group."""
    G = eq.NeuronGroup(
        n,
        "dv/dt = (1.5 - v)/(5*ms) : 1\nq : 1\ntwice = 2*v + i : 1",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
    )
    G.v, G.q = "rand()", 1
    S = eq.Synapses(
        G,
        G,
        """w : 1
        mod : 1
        u = w + 0.1*twice_pre - q_post/N_incoming + i : 1
        dy/dt = (u - y)/(3*ms) : 1 (clock-driven)""",
        on_pre={"add": "q_post += 0.01*w*q_pre", "out": "v_post += 0.02*w*(1 + mod)"},
        multisynaptic_index="k",
        method="euler",
        name="inner*",  # within a slot objects go by name, and numbers of unnamed ones differ from test to test
    )
    S.connect("i != j", p=0.4, n="1 + (i + j) % 2")
    S.w, S.out.delay = "0.1*rand() + 0.01*k", "rand()*2*ms"
    A = eq.NeuronGroup(3, "dc/dt = (I - c)/(4*ms) : 1\nI : 1", threshold="c > 0.4", reset="c = 0", method="euler")
    to_a = eq.Synapses(S, A, "I_post = 0.05*y_pre + 0.01*u_pre : 1 (summed)", name="outward*")
    to_a.connect(j="i % N_post")
    from_a = eq.Synapses(
        A, S, "mod_post = 0.1*c_pre*u_post + 0.01*i_post : 1 (summed)", on_pre="w_post += 0.001*u_post", name="back*"
    )
    from_a.connect(in_degree=1)
    M, V = eq.SpikeMonitor(G), eq.StateMonitor(S, ["w", "mod", "u", "y"], record=S[:, :4])
    return Case(eq.Network(G, S, A, to_a, from_a, M, V), [M], [V], [(G, "q"), (A, "c"), (S, "w")])


MODELS = {
    f.__name__: f
    for f in (cuba, cobahh, stdp, izhikevich, adex, noisy, multiplicative, gap_junctions, driven, keywords, astrocytes)
}
DURATION = 50 * ms

__all__ = ["DURATION", "HH", "HH_SPACE", "MODELS", "Case", "second"]
