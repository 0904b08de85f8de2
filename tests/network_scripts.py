"""As brian_scripts.py, for networks: several runs, changes between them, schedules, snapshots, clocks.

``python tests/network_scripts.py`` with Brian 2 installed writes tests/network_golden.json; tests/test_network_golden.py compares.
"""

DELAYED = """
K = SpikeGeneratorGroup(4, [0, 1, 2, 3, 0, 2], [1, 1.7, 2.2, 2.9, 5, 11]*ms)
G = NeuronGroup(4, 'v : 1')
S = Synapses(K, G, on_pre='v += 1')
S.connect(j='i')
S.delay = [2, 3.1, 4.3, 0.4]*ms
T = Synapses(K, G, on_pre='v += 10', delay=3*ms)
T.connect(j='i')
M = StateMonitor(G, 'v', record=True, when='end')
"""

SCRIPTS = {
    "spikes on their way when dt becomes shorter": DELAYED
    + """
run(3*ms)
defaultclock.dt = 0.05*ms
N = StateMonitor(G, 'v', record=True, when='end', dt=0.05*ms)
M.active = False
run(10*ms)
result = {'v': N.v, 't': N.t/ms}
""",
    "spikes on their way when delays change": DELAYED
    + """
run(3*ms)
S.delay = [1, 1, 6, 2]*ms
run(5*ms)
S.delay = 2*ms
run(6*ms)
result = {'v': M.v, 't': M.t/ms}
""",
    "a schedule of one's own": """
G = NeuronGroup(2, '''dv/dt = (1.2 - v)/(5*ms) : 1 (unless refractory)''', threshold='v > 1', reset='v = 0', refractory=2*ms, method='euler')
G.v = [0, 0.5]
seen = []
@network_operation(when='mine')
def operation(t):
    seen.append([t/ms, G.v[0], G.v[1]])
S = Synapses(G, G, on_pre='v += 0.2')
S.connect(i=0, j=1)
M, N = SpikeMonitor(G), StateMonitor(G, 'v', record=True, when='before_resets')
net = Network(G, operation, S, M, N)
net.schedule = ['start', 'resets', 'thresholds', 'mine', 'groups', 'synapses', 'end']
net.run(30*ms)
result = {'i': M.i, 't': M.t/ms, 'v': N.v, 'seen': array(seen)}
""",
    "a monitor after the groups and one before the resets": """
G = NeuronGroup(1, 'dv/dt = (1.5 - v)/(5*ms) : 1', threshold='v > 1', reset='v = 0', method='exact')
monitors = [StateMonitor(G, 'v', record=0, when=w) for w in ('start', 'after_groups', 'before_resets', 'end')]
net = Network(G, monitors)
net.run(20*ms)
result = {f'v{k}': m.v for k, m in enumerate(monitors)}
""",
    "snapshots": DELAYED
    + """
H = NeuronGroup(1, 'dv/dt = (1.5 - v)/(5*ms) : 1 (unless refractory)', threshold='v > 1', reset='v = 0', refractory=2*ms, method='exact')
P = SpikeMonitor(H)
net = Network(K, G, S, T, M, H, P)
net.store('begin')
net.run(2.5*ms)
net.store()
net.run(10*ms)
whole = array(M.v)
net.restore()
counts = [P.num_spikes, net.t/ms]
net.run(10*ms)
again = array(M.v)
net.restore('begin')
counts += [P.num_spikes, net.t/ms, len(M.t)]
H.v = 0.5
net.run(6*ms)
result = {'whole': whole, 'again': again, 'counts': array(counts), 'begin': M.v, 'spikes': P.t/ms}
""",
    "magic runs": """
out = []
def trial(x):
    G = NeuronGroup(1, 'dv/dt = x/ms : 1', method='euler')
    M = StateMonitor(G, 'v', record=0)
    run(1*ms)
    run(1*ms)
    return [M.t[0]/ms, M.t[-1]/ms, float(M.v[0][-1]), magic_network.t/ms]
for x in range(3):
    out.append(trial(x))
A = NeuronGroup(1, 'dv/dt = 1/ms : 1', method='euler')
B = NeuronGroup(1, 'dv/dt = 1/ms : 1', method='euler')
run(1*ms)
hidden = [NeuronGroup(1, 'dv/dt = 1/ms : 1', method='euler')]
run(1*ms)
W = StateMonitor(A, 'v', record=0)
run(1*ms)
del B
run(1*ms)
collected = len(collect())
start_scope()
C = NeuronGroup(1, 'dv/dt = 1/ms : 1', method='euler')
run(2*ms)
result = {'out': array(out), 'A': array(A.v), 'hidden': array(hidden[0].v), 'W': W.t/ms, 'n': array([collected]), 'C': array([magic_network.t/ms])}
""",
    "several clocks": """
slow = Clock(dt=0.5*ms)
G = NeuronGroup(1, 'dv/dt = (u - v)/(5*ms) : 1\\nu : 1', method='euler', dt=0.2*ms)
H = NeuronGroup(1, 'du/dt = (2 - u)/(7*ms) : 1', method='euler', clock=slow)
X = SpikeGeneratorGroup(1, [0, 0, 0], [1, 2.2, 7.4]*ms, dt=0.1*ms)
S = Synapses(X, G, on_pre='u = 3')
S.connect()
M, N = StateMonitor(G, ['u', 'v'], record=0), StateMonitor(H, 'u', record=0, dt=1*ms)
seen = []
@network_operation(dt=0.3*ms, when='end')
def couple(t):
    G.u = H.u[0]
    seen.append([t/ms, G.u[0]])
net = Network(G, H, X, S, M, N, couple)
net.run(4.3*ms)
net.run(4.9*ms)
result = {'u': M.u, 'v': M.v, 't': M.t/ms, 'w': N.u, 'seen': array(seen)}
""",
    "objects that come and go": """
G = NeuronGroup(1, 'dv/dt = 1/ms : 1', method='euler')
H = NeuronGroup(1, 'dv/dt = 1/ms : 1', method='euler')
net = Network(G)
net.run(1*ms)
net.add(H)
net.run(1*ms)
net.remove(G)
net.run(1*ms)
H.active = False
net.run(1*ms)
H.active = True
net.run(1*ms)
result = {'G': array(G.v), 'H': array(H.v), 't': array([net.t/ms])}
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
    Path(__file__).with_name("network_golden.json").write_text(json.dumps(golden))
