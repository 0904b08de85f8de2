"""Scripts about groups and inputs, as in brian_scripts.py. ``python tests/brian_groups.py`` with Brian 2 installed writes golden_groups.json."""

SCRIPTS = {
    "linked variables": """
inp = NeuronGroup(2, '''phase : 1
dx/dt = sin(2*pi*100*Hz*t - phase)/ms : 1
y = 2*x + phase : 1
z : 1 (shared)''', threshold='x > 0.5', reset='x = -0.1*x', method='euler', name='m_inputs')
inp.phase = [0, pi/2]
inp.z = 0.3
G = NeuronGroup(6, '''a : 1 (linked)
b : 1 (linked)
c : 1 (linked)
d : 1 (linked)
k : integer (constant)
dv/dt = (a + b + c + d - v)/(5*ms) : 1''', threshold='v > 0.4 + 0.1*b', reset='v = -0.1*a', method='euler', name='cells')
G.a = linked_var(inp, 'x', index=np.repeat([0, 1], 3))
G.b = linked_var(inp, 'y', index='k')
G.k = '(i + 1) % 2'
G.c = linked_var(inp, 'z')
one = NeuronGroup(1, 'dw/dt = (1 - w)/(3*ms) : 1', method='euler', name='a_one')
G.d = linked_var(one.w)
H = NeuronGroup(6, '''u : 1 (linked)
q : 1''')
H.u = linked_var(G, 'v')
H.q = 'u + i'
S = Synapses(G, H, on_pre='q_post += u_post', delay=1*ms)
S.connect(j='i')
M = StateMonitor(G, ['a', 'b', 'c', 'd', 'v'], record=True)
N = StateMonitor(H, ['u', 'q'], record=[1, 4], when='end')
P = SpikeMonitor(G)
run(15*ms)
result = {'a': M.a, 'b': M.b, 'c': M.c, 'd': M.d, 'v': M.v, 'u': N.u, 'q': N.q, 'i': P.i, 't': P.t/ms, 'now': array(G.b)}
""",
    "linked to parts of a group": """
inp = NeuronGroup(6, 'dx/dt = (i - x)/(2*ms) : 1', method='exact', name='m')
inp.x = 'i**2'
G = NeuronGroup(3, '''a : 1 (linked)
dv/dt = (a - v)/(5*ms) : 1''', method='exact', name='m_later')
part, rest = inp[2:5], inp[1:5]
G.a = linked_var(part, 'x')
H = NeuronGroup(3, '''a : 1 (linked)
dv/dt = (a - v)/(5*ms) : 1''', method='exact', name='a_earlier')
H.a = linked_var(rest, 'x', index=[3, 0, 1])
M, N = StateMonitor(G, ['a', 'v'], record=True), StateMonitor(H, ['a', 'v'], record=True)
run(3*ms)
result = {'a': M.a, 'v': M.v, 'b': N.a, 'w': N.v}
""",
    "code that runs regularly": """
scale = 3
G = NeuronGroup(5, '''I : 1
s : 1 (shared)
n : integer
b : boolean
dv/dt = (I + s - v)/(5*ms) : 1 (unless refractory)''', threshold='v > 0.9', reset='v = 0', refractory=2*ms, method='exact')
G.I = 'i*0.3'
G.run_regularly('''tmp = I*scale
I = clip(tmp - v, 0, 2)
n += 1
b = v > 0.3''', dt=1*ms)
G.run_regularly('''s = s*0.5 + t/(50*ms)
I = I + s''', dt=2*ms, when='end', order=1)
G.run_regularly('v += 0.05', dt=0.5*ms, when='before_thresholds')
G[1:3].run_regularly('I = i + 0.1*N', dt=3*ms, when='after_resets')
S = Synapses(G, G, '''w : 1
x = v_pre*w : 1''', on_pre='v_post += 0.01*w')
S.connect('i != j')
S.w = 'i + 0.1*j'
S.run_regularly('w = w*0.9 + x*0.1', dt=1*ms)
M = StateMonitor(G, ['I', 's', 'n', 'b', 'v'], record=True)
N = StateMonitor(S, 'w', record=True)
P = SpikeMonitor(G)
run(12*ms)
result = {'I': M.I, 's': M.s, 'n': M.n, 'b': M.b, 'v': M.v, 'w': N.w, 'i': P.i, 't': P.t/ms}
""",
    "code that runs at given times": """
G = NeuronGroup(3, '''I : 1
dv/dt = (I - v)/(5*ms) : 1''', method='exact')
G.run_at('I += i + t/ms', times=[1, 2.5, 7]*ms)
G.run_at('v = 0', times=[4, 7]*ms, when='end')
M = StateMonitor(G, ['I', 'v'], record=True)
run(5*ms)
run(5*ms)
result = {'I': M.I, 'v': M.v}
""",
    "subgroups": """
G = NeuronGroup(10, '''dv/dt = (J - v)/(5*ms) : 1
J : 1
n : integer
shared_one : 1 (shared)''', threshold='v > 1', reset='v = 0', refractory=1*ms, method='exact')
A, B, C, D = G[:5], G[5:], G[3], G[[6, 7, 8]]
A.J = '1.2 + 0.1*i'
B.J = '(i + N)*0.4'
C.J = 5
D.n = 'i + 10*N'
E = B[1:3]
E.v = '0.1*i'
D.v['i > 0'] = '0.5 + 0.01*i'
D.v[[0, -1]] += 0.25
A.shared_one = 3
S = Synapses(A, D, 'w : 1', on_pre='v_post += w*0.1', delay=0.5*ms)
S.connect('i >= j')
S.w = 'i + 10*j + v_post'
T = Synapses(B, A, on_pre='v_post += 0.03*N_pre')
T.connect(j='i')
M = SpikeMonitor(D)
N = StateMonitor(E, ['v', 'n'], record=True)
R = PopulationRateMonitor(A)
O = StateMonitor(D, 'v', record=[1])
run(10*ms)
result = {'i': M.i, 't': M.t/ms, 'v': N.v, 'n': N.n, 'r': R.rate/Hz, 'o': O[1].v, 'w': S.w[:], 'lens': [len(A), len(B), len(C), len(D), len(E)],
'starts': [D.start, D.stop, E.start, E.stop], 'si': array(S.i), 'sj': array(S.j), 'gv': array(G.v), 'one': G.shared_one[:], 'di': array(D.i),
'cond': D.v['v > 0.2'], 'J': array(G.J)}
""",
    "refractoriness everywhere": """
G = NeuronGroup(3, '''dv/dt = (1.5 - v)/(3*ms) : 1 (unless refractory)
dw/dt = -w/(2*ms)*int(not_refractory) - w/(9*ms)*(1 - int(not_refractory)) : 1
since = t - lastspike : second
ref : second''', threshold='v > 1', reset='''v = 0
w += 0.5''', refractory='ref + 0.5*ms*w', method='euler')
G.ref = [0.5, 1, 2]*ms
H = NeuronGroup(2, 'dv/dt = (2 - v)/(3*ms) : 1', threshold='v > 1', reset='v = 0.9*v', refractory='v > 0.8', method='euler')
L = NeuronGroup(2, 'dv/dt = (2 - v)/(3*ms) : 1 (unless refractory)', threshold='v > 1 and t - lastspike > 4*ms', reset='v = 0', refractory=1*ms, method='euler')
S = Synapses(H, G, on_pre='v_post += 0.4')
S.connect()
M = StateMonitor(G, ['v', 'w', 'lastspike', 'not_refractory', 'since'], record=True)
P, Q, R = SpikeMonitor(G), SpikeMonitor(H), SpikeMonitor(L)
run(20*ms)
result = {'v': M.v, 'w': M.w, 'l': M.lastspike/ms, 'n': M.not_refractory, 's': M.since/ms, 'i': P.i, 't': P.t/ms, 'j': Q.i, 'u': Q.t/ms, 'r': R.t/ms}
""",
    "timed arrays on other grids": """
a = TimedArray([1, 2, 3, 4, 5, 6, 7], dt=0.35*ms)
b = TimedArray(arange(40)*1.0, dt=0.07*ms)
c = TimedArray([[1, 2], [3, 4], [5, 6]]*mV, dt=1*ms)
G = NeuronGroup(4, '''dv/dt = (a(t) + b(t) - v)/(5*ms) : 1
k : integer
x = c(t, k) : volt
du/dt = (c(t, i % 2)/mV - u)/(3*ms) : 1''', threshold='v > a(t)', reset='v = b(t)*0.1; k = (k + 1) % 2', method='rk4')
G.v = 'a(0.4*ms) + b(0.2*ms)*i'
G.k['c(2*ms, i % 2) > 5*mV'] = 1
M = StateMonitor(G, ['v', 'u', 'x'], record=True)
P = SpikeMonitor(G)
run(5*ms)
result = {'v': M.v, 'u': M.u, 'x': M.x/mV, 'i': P.i, 't': P.t/ms, 'py': [a(0.36*ms), a(-1*ms), a(1*second)], 'py2': c([0, 1.5, 7]*ms, 1)/mV,
'py3': b([0.1, 0.14, 0.2]*ms)}
""",
    "timed arrays and the choice of method": """
fast = TimedArray(arange(40)*1.0, dt=0.05*ms)
slow = TimedArray([1, 2, 3, 4], dt=0.5*ms)
F = NeuronGroup(1, 'dv/dt = (fast(t) - v)/(2*ms) : 1')
G = NeuronGroup(1, 'dv/dt = (slow(t) - v)/(2*ms) : 1')
M, N = StateMonitor(F, 'v', record=0), StateMonitor(G, 'v', record=0)
run(2.5*ms)
result = {'f': M.v, 's': N.v}
""",
    "spike generators": """
G = SpikeGeneratorGroup(4, [3, 0, 2, 1, 0], [0.31, 1, 2.5, 2.5, 4]*ms)
H = SpikeGeneratorGroup(2, [0, 1, 1], [0, 0.2, 1.1]*ms, period=1.5*ms)
K = SpikeGeneratorGroup(2, [0, 1, 0], [0, 0.4, 1.2]*ms, dt=0.4*ms)
M, N, O = SpikeMonitor(G), SpikeMonitor(H), SpikeMonitor(K)
U = NeuronGroup(4, 'v : 1')
S = Synapses(G, U, on_pre='v_post += 1')
S.connect(j='i')
run(5*ms)
first = [array(G.neuron_index[:]), array(G.spike_time[:])*1e3]
G.set_spikes([0, 1, 2], [3, 6, 7.25]*ms)
H.set_spikes([0], [0.5]*ms, period=2*ms)
run(5*ms)
result = {'i': M.i, 't': M.t/ms, 'j': N.i, 'u': N.t/ms, 'k': O.i, 'w': O.t/ms, 'v': U.v[:], 'index': first[0], 'time': first[1],
'later': array(G.spike_time[:])*1e3}
""",
    "Poisson groups that are certain": """
on = TimedArray([0, 1, 0, 1], dt=1*ms)
P = PoissonGroup(4, rates='on(t)*1/dt*int(i != 2)')
Q = PoissonGroup(3, rates=[0, 1e4, 0]*Hz)
M, N = SpikeMonitor(P[1:]), SpikeMonitor(Q)
R = StateMonitor(P, 'rates', record=True)
run(3*ms)
Q.rates = 'i*1e4*Hz/2'
Q.rates[1] = 0*Hz
run(1*ms)
result = {'i': M.i, 't': M.t/ms, 'j': N.i, 'u': N.t/ms, 'r': R.rates/Hz, 'q': Q.rates/Hz}
""",
    "Poisson inputs that are certain": """
w = TimedArray([1, 0, 2], dt=1*ms)
G = NeuronGroup(4, '''dv/dt = -v/(5*ms) : 1 (unless refractory)
g : 1''', threshold='v > 10', reset='v = 0', refractory=1*ms, method='exact')
P = PoissonInput(G[:2], 'v', 3, 1/(0.1*ms), weight=0.5)
Q = PoissonInput(G[1:], 'v', 2, 1/(0.1*ms), weight='0.1*(i + 1) + 0.01*w(t)')
R = PoissonInput(G, 'g', 2, 1/(0.1*ms), weight='v', when='end', order=1)
M = StateMonitor(G, ['v', 'g'], record=True)
N = SpikeMonitor(G)
run(4*ms)
result = {'v': M.v, 'g': M.g, 'i': N.i, 't': N.t/ms}
""",
    "states by name": """
G = NeuronGroup(4, '''dv/dt = -v/tau : volt
tau : second
n : integer
b : boolean
s : 1 (shared)
x = 2*v : volt''', method='exact', name='cells')
G.set_states({'v': [1, 2, 3, 4]*mV, 'tau': 5*ms, 'n': [3, 1, 4, 1], 'b': [True, False, True, True], 's': 7})
G.v['n > 1 and b'] = 'v + 10*mV*n'
G.v[1:3] *= 2
G.n += 1
G.tau[0] = 1*ms
G.v_[3] = 0.5
run(1*ms)
states = G.get_states(units=False)
more = G.get_states(['x', 's'])
G.tau_ = 0.25
G.b = 'i < 2'
G.s = 'N + 1'
result = {'v': states['v'], 'tau': states['tau'], 'n': states['n'], 'b': states['b'], 't': states['t'], 'N': states['N'], 'dt': states['dt'],
'steps': states['t_in_timesteps'], 'x': more['x']/mV, 's': more['s'], 'now': G.tau/ms, 'c': G.b[:], 'u': G.s[:], 'sorted': sort(G.v/mV), 'best': argmax(G.v),
'mean': mean(G.v)/mV, 'both': concatenate([G.v, G.v])/mV, 'compare': G.v > 3*mV, 'state': G.state('v')[1:3]/mV, 'lens': [len(G.v), len(G.v[G.b[:]])]}
""",
    "float32 keeps what is exact": """
G = NeuronGroup(3, '''dv/dt = 1/ms : 1
k : 1''', threshold='v > 2', reset='v = 0; k += 0.5', method='euler', dtype=float32, dt=0.125*ms)
G.v = [0, 0.25, 0.5]
M = StateMonitor(G, ['v', 'k'], record=True)
S = SpikeMonitor(G)
run(6*ms)
result = {'v': M.v, 'k': M.k, 'i': S.i, 't': S.t/ms, 'types': [G.v[:].dtype.itemsize, M.v.dtype.itemsize]}
""",
    "active and order": """
G = NeuronGroup(2, 'dv/dt = 1/ms : 1', threshold='v > 1', reset='v = 0', method='euler', name='g')
op = G.run_regularly('v += 0.1', dt=1*ms, order=2)
op2 = G.run_regularly('v = v*2', dt=1*ms, order=1)
H = NeuronGroup(2, 'v : 1', name='h')
S = Synapses(G, H, on_pre='v_post += 1')
S.connect(j='i')
M = StateMonitor(G, 'v', record=True)
N = SpikeMonitor(G)
run(2.5*ms)
op2.active = False
run(2.5*ms)
G.active = False
run(1*ms)
G.active = True
M.active = False
run(2*ms)
result = {'v': M.v, 'i': N.i, 't': N.t/ms, 'h': H.v[:], 'now': G.v[:]}
""",
    "methods to try in turn": """
G = NeuronGroup(1, 'dv/dt = -v**2/(5*ms) : 1', method=('exact', 'rk4'))
H = NeuronGroup(1, 'dv/dt = -v/(5*ms) : 1', method=('rk2', 'exact'))
G.v = H.v = 1
run(3*ms)
result = {'g': G.v[:], 'h': H.v[:]}
""",
}

if __name__ == "__main__":
    import json
    from pathlib import Path

    import brian2
    import numpy as np

    brian2.prefs.codegen.target = "numpy"
    golden = {}
    for name, text in SCRIPTS.items():
        space = {}
        exec("from brian2 import *\nstart_scope()\n" + text, space)
        golden[name] = {k: np.asarray(v, float).tolist() for k, v in space["result"].items()}
    golden["brian2"] = brian2.__version__
    Path(__file__).with_name("golden_groups.json").write_text(json.dumps(golden))
