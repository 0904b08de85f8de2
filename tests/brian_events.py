"""Scripts about events and monitors, as those of brian_scripts.py: each runs unchanged on Brian 2 and on eqsnn.brian.

``python tests/brian_events.py`` with Brian 2 installed writes tests/golden_events.json; tests/test_brian_events.py compares.
"""

SCRIPTS = {
    "an event, its code and its monitor": """
G = NeuronGroup(3, '''dv/dt = (2 - v)/(10*ms) : 1
dw/dt = -w/(20*ms) : 1
n : integer''', threshold='v > 1.2', reset='v = 0', events={'half': 'v > 0.6 and w < 0.5', 'low': 'w < 0.1'}, method='exact')
G.v = [0, 0.3, 0.9]
G.run_on_event('half', '''w += 1
n += 1''')
M = EventMonitor(G, 'half', variables=['v', 'w', 'n'])
L = EventMonitor(G, 'low', record=False)
S = SpikeMonitor(G, variables='w')
V = StateMonitor(G, ['v', 'w'], record=True)
run(60*ms)
result = {'i': M.i, 't': M.t/ms, 'v': M.v, 'w': M.w, 'n': M.n, 'count': M.count, 'low': L.count, 'nlow': L.num_events, 'sw': S.w, 'st': S.t/ms,
          'V': V.v, 'W': V.w, 'half': M.event_trains()[1]/ms, 'first': M.values('w')[0], 'all': M.all_values()['n'][2]}
""",
    "events without a threshold": """
G = NeuronGroup(2, 'dv/dt = 1/ms : 1', events={'up': 'v > 1', 'spike': 'v > 1.55'}, method='euler')
G.v = [0, 0.25]
G.run_on_event('spike', 'v = 0')
M = EventMonitor(G, 'up')
S = SpikeMonitor(G)
run(4*ms)
result = {'i': M.i, 't': M.t/ms, 'si': S.i, 's': S.t/ms}
""",
    "only spikes respect refractoriness": """
G = NeuronGroup(2, '''dv/dt = 2/ms : 1
du/dt = 1/ms : 1 (unless refractory)''', threshold='v > 1', reset='v = 0', refractory='(1 + i)*ms', method='euler',
events={'big': 'v > 1', 'free': 'v > 0.5 and not_refractory'})
G.run_on_event('big', 'u -= 0.2')
B = EventMonitor(G, 'big', variables='u')
F = EventMonitor(G, 'free')
S = SpikeMonitor(G)
U = StateMonitor(G, ['u', 'not_refractory'], record=True)
run(7*ms)
result = {'bi': B.i, 'b': B.t/ms, 'bu': B.u, 'fi': F.i, 'f': F.t/ms, 's': S.t/ms, 'u': U.u, 'n': array(U.not_refractory, float)}
""",
    "the schedule of events": """
results = {}
for k, when in enumerate(['thresholds', 'after_groups', 'start', 'end', 'before_resets']):
    for order in (0, 2):
        G = NeuronGroup(2, '''dv/dt = 1/ms : 1
        x : 1''', threshold='v > 0.75', reset='v = 0', events={'e': 'v > 0.45'}, method='euler')
        G.v = [0, 0.3]
        G.set_event_schedule('e', when=when, order=order)
        G.run_on_event('e', 'x += v', when='groups' if k % 2 else 'after_resets', order=order)
        M = EventMonitor(G, 'e', variables='v')
        N = EventMonitor(G, 'e', when='end', order=5)
        P = EventMonitor(G, 'e', when='start')
        net = Network(G, M, N, P)
        net.run(3*ms)
        key = f'{k}{order}'
        results.update({'x' + key: array(G.x), 'v' + key: M.v, 't' + key: M.t/ms, 'n' + key: N.t/ms, 'p' + key: P.t/ms, 'i' + key: P.i})
G = NeuronGroup(2, 'dv/dt = 1/ms : 1', threshold='v > 0.75', reset='v = 0', method='euler')
G.set_event_schedule('spike', when='start')
M = SpikeMonitor(G, 'v')
V = StateMonitor(G, 'v', record=0, when='end')
net = Network(G, M, V)
net.run(3*ms)
results.update({'sv': M.v, 'st': M.t/ms, 'sV': V.v})
result = results
""",
    "pathways that wait for events": """
G = NeuronGroup(3, '''dv/dt = 1/ms : 1
x : 1''', threshold='v > 1', reset='v = 0', events={'half': 'v > 0.45 and v < 0.65', 'late': 'v > 0.85'}, method='euler')
G.v = [0, 0.3, 0.6]
H = NeuronGroup(3, 'y : 1', threshold='y > 2', reset='y = 0', events={'odd': 'y > 1'})
S = Synapses(G, H, 'w : 1', on_pre={'pre': 'y_post += w', 'other': 'w += 0.125'}, on_post={'post': 'w -= 0.25', 'again': 'x_pre += 1'},
             on_event={'other': 'half', 'pre': 'late', 'again': 'odd'}, delay={'pre': 0.3*ms, 'other': 0.5*ms})
S.connect()
S.w = '0.1 + i*0.05 + j*0.01'
T = Synapses(G, H, on_pre='y_post += 0.5', on_event='half')
T.connect('i == j')
T.delay = '0.1*ms + i*0.4*ms'
M = StateMonitor(S, 'w', record=True)
Y = StateMonitor(H, 'y', record=True)
run(6*ms)
result = {'w': M.w, 'y': Y.y, 'x': array(G.x)}
""",
    "values at spikes": """
G = NeuronGroup(4, '''dv/dt = (1.5 - v)/(5*ms) : volt/volt
u = 2*v + i : 1
s : 1 (shared)
b : boolean
n : integer
a : volt''', threshold='v > 1', reset='''v = 0
n += 1
b = n % 2 == 0''', method='exact')
G.v = 'i*0.1'
G.s = 3
G.a = 'i*mV'
M = SpikeMonitor(G, variables=['v', 'u', 's', 'b', 'n', 'a'])
N = SpikeMonitor(G[1:3], variables=('u', 'a'))
A = SpikeMonitor(G, variables='n', when='end')
run(20*ms)
result = {'v': M.v, 'u': M.u, 's': M.s, 'b': array(M.b, float), 'n': M.n, 'a': M.a/mV, 'a_': M.a_, 't_': M.t_, 'ni': N.i, 'nu': N.u, 'na': N.a/mV,
          'c': N.count, 'after': A.n, 'vals': N.values('a')[1]/mV, 'trains': M.spike_trains()[3]/ms, 'num': M.num_spikes, 'it': M.it[1]/ms}
""",
    "what a StateMonitor records": """
G = NeuronGroup(6, '''dv/dt = -v/(5*ms) : volt
n : integer
b : boolean
q : amp (shared)
r = 2*q : amp (shared)
u = v + i*mV : volt''', method='exact')
G.v = '(1 + i)*mV'
G.n = 'i*i'
G.b = 'i % 2 == 0'
G.q = 2*nA
@network_operation(dt=0.5*ms)
def change(t):
    G.q = G.q + 1*nA
    G.n = G.n[:] + 1
    G.b = ~G.b[:]
A = StateMonitor(G, True, record=True)
B = StateMonitor(G, ['v', 'u'], record=[4, 1], dt=0.3*ms)
C = StateMonitor(G, 'v', record=2)
D = StateMonitor(G, ('n', 'b', 'r'), record=range(1, 3), when='end')
E = StateMonitor(G, 'v', record=False)
F = StateMonitor(G[2:5], 'u', record=[0, 2])
H = StateMonitor(G[1:], 'v', record=G[2:4])
net = Network(G, change, A, B, C, D, E, F, H)
net.run(2*ms)
result = {'v': A.v/mV, 'n': A.n, 'b': array(A.b, float), 'q': A.q/nA, 'r': A.r/nA, 'u': A.u/mV, 'Bv': B.v/mV, 'Bu': B[1].u/mV, 'Bt': B.t/ms,
          'B2': B[[1, 4]].v/mV, 'C': C.v/mV, 'C2': C[2].v_, 'Dn': D.n, 'Db': array(D.b, float), 'Dr': D.r/nA, 'Et': E.t/ms, 'Ev': list(E.v.shape),
          'F': F.u/mV, 'F2': F[2].u/mV, 'H': H.v/mV, 'Hr': H.record, 'N': [A.N + 0, B.N + 0, E.N + 0], 't_': A.t_}
""",
    "one more step by hand": """
G = NeuronGroup(2, '''dv/dt = -v/(5*ms) : 1
u = v*3 + t/ms : 1''', method='exact')
G.v = [1, 2]
M = StateMonitor(G, ['v', 'u'], record=True)
run(0.5*ms)
M.record_single_timestep()
a = M.t/ms
run(0.3*ms)
M.record_single_timestep()
result = {'a': a, 't': M.t/ms, 'v': M.v, 'u': M.u}
""",
    "another dt in a second run": """
G = NeuronGroup(2, 'dv/dt = 1/ms : 1', threshold='v > 1', reset='v = 0', events={'e': 'v > 0.5'}, method='euler')
G.v = [0, 0.5]
V = StateMonitor(G, 'v', record=True)
S = SpikeMonitor(G)
E = EventMonitor(G, 'e')
P = PopulationRateMonitor(G)
defaultclock.dt = 0.1*ms
run(3*ms)
defaultclock.dt = 0.05*ms
run(2*ms)
defaultclock.dt = 0.2*ms
run(4*ms)
result = {'v': V.v, 't': V.t/ms, 's': S.t/ms, 'e': E.t/ms, 'ei': E.i, 'p': P.t/ms, 'r': P.rate/Hz}
""",
    "monitors that rest": """
G = NeuronGroup(2, 'dv/dt = 1/ms : 1', threshold='v > 1', reset='v = 0', method='euler')
G.v = [0, 0.5]
V = StateMonitor(G, 'v', record=True)
S = SpikeMonitor(G)
P = PopulationRateMonitor(G)
run(2*ms)
V.active = False
S.active = False
P.active = False
run(1.7*ms)
V.active = True
S.active = True
P.active = True
run(2.5*ms)
result = {'v': V.v, 't': V.t/ms, 's': S.t/ms, 'c': S.count, 'p': P.t/ms, 'r': P.rate/Hz}
""",
    "rates in bins and under windows": """
raster = zeros((70, 4))
for n, k in zip([0, 1, 2, 3, 0, 1, 0, 2, 0, 3], [2, 2, 10, 13, 20, 25, 31, 44, 59, 66]):
    raster[k, n] = 1
spiking = TimedArray(raster, dt=0.1*ms)
G = NeuronGroup(4, 'x = spiking(t, i) : 1', threshold='x > 0')
P = PopulationRateMonitor(G)
Q = PopulationRateMonitor(G[1:])
S = SpikeMonitor(G)
T = SpikeMonitor(G[2:])
run(7*ms)
result = {'r': P.rate/Hz, 't': P.t/ms, 'q': Q.rate/Hz}
for k, w in enumerate([0.1, 0.25, 0.3, 0.65, 1.1, 1.2, 1.7]):
    result['flat%d' % k] = P.smooth_rate('flat', w*ms)/Hz
    result['gauss%d' % k] = Q.smooth_rate('gaussian', w*ms)/Hz
result['array'] = P.smooth_rate(array([1, 2, 3, 2, 1]))/Hz
result['each'] = S.smooth_rate('gaussian', 0.5*ms)/Hz
b = P.binned_rate(0.5*ms)
result['bins'], result['binned'] = b[0]/ms, b[1]/Hz
b = T.binned_rate(0.5*ms)
result['bins2'], result['binned2'] = b[0]/ms, b[1]/Hz
""",
    "synapses that are recorded": """
G = SpikeGeneratorGroup(3, [0, 1, 2, 0, 1], [0.2, 0.4, 0.6, 0.8, 1.2]*ms)
H = NeuronGroup(3, 'v : 1')
S = Synapses(G, H, '''w : 1
z = w*2 + i + 10*j : 1
c : 1 (shared)''', on_pre='w += 1; v_post += w')
S.connect(condition='i != j')
S.w = 'i + 0.1*j'
S.c = 4
A = StateMonitor(S, ['w', 'z', 'c'], record=True)
B = StateMonitor(S, 'w', record=S[0, :])
C = StateMonitor(S, 'z', record=S['w > 1'])
D = StateMonitor(S, 'w', record=[3, 0])
S.connect(i=[0], j=[0])
run(1.5*ms)
result = {'w': A.w, 'z': A.z, 'c': A.c, 'B': B.w, 'Br': B.record, 'C': C.z, 'Cr': C.record, 'D': D.w, 'A01': A[S[0, 1]].w, 'D3': D[3].w}
""",
    "recorded at given times": """
G = NeuronGroup(2, '''dv/dt = 1/ms : 1
u = v + i : 1''', threshold='v > 1.5', reset='v = 0', method='euler')
G.v = [0, 0.5]
seen = []
clock = EventClock(times=[3.05, 0, 0.3, 1.23456, 1.3, 2.0]*ms)
M = StateMonitor(G, ['v', 'u'], record=True, clock=clock)
N = StateMonitor(G, 'v', record=1, clock=EventClock(times=[0.4, 9]*ms), when='end')
@network_operation(clock=EventClock(times=[0.7, 1.75]*ms))
def see(t):
    seen.append(t/ms)
    G.v = G.v + 0.05
net = Network(G, M, N, see)
net.run(1.3*ms)
net.run(2*ms)
result = {'t': M.t/ms, 'v': M.v, 'u': M.u, 'nt': N.t/ms, 'nv': N.v, 'seen': array(seen)}
""",
    "all that a monitor has": """
G = NeuronGroup(2, '''dv/dt = 1/ms : 1
a : volt''', threshold='v > 1', reset='v = 0', method='euler')
G.v = [0, 0.5]
G.a = [1, 2]*mV
V = StateMonitor(G, ['v', 'a'], record=True)
S = SpikeMonitor(G, 'a')
P = PopulationRateMonitor(G)
run(3*ms)
s, v, p, w = S.get_states(), V.get_states(['t', 'v']), P.get_states(), V.get_states(units=False)
result = {'i': s['i'], 't': s['t']/ms, 'a': s['a']/mV, 'c': s['count'], 'N': s['N'], 'v': v['v'], 'vt': v['t']/ms, 'r': p['rate']/Hz, 'wa': w['a'],
          'keys': [len(s), len(v), len(p), len(w)]}
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
        exec("from brian2 import *\nstart_scope()\ndefaultclock.dt = 0.1*ms\n" + text, space)
        golden[name] = {k: np.asarray(v, float).tolist() for k, v in space["result"].items()}
    golden["brian2"] = brian2.__version__
    Path(__file__).with_name("golden_events.json").write_text(json.dumps(golden))
