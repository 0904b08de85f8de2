"""Scripts about synapses that run unchanged on Brian 2 and on eqsnn.brian; each leaves plain arrays in ``result``. No script draws random numbers.

``python tests/brian_synapses.py`` with Brian 2 installed writes tests/golden_synapses.json; tests/test_synapses_brian.py compares.
"""

SCRIPTS = {
    "astrocytes: from a group to synapses and back": """
P = SpikeGeneratorGroup(3, [0, 1, 2, 0, 1, 0], [1, 1.5, 2, 4, 6, 8]*ms)
N = NeuronGroup(2, 'dv/dt = -v/(5*ms) : 1', threshold='v > 2.5', reset='v = 0', method='exact')
S = Synapses(P, N, '''dY/dt = -Y/(4*ms) : 1 (clock-driven)
G : 1
x : 1''', on_pre='''Y += 1
v_post += 1/(1 + G)
x += G''', method='exact')
S.connect('(i + j) % 2 == 0 or i == 1')
A = NeuronGroup(2, '''dg/dt = (I - g)/(3*ms) : 1
I : 1''', method='euler')
ecs_to_a = Synapses(S, A, 'I_post = Y_pre : 1 (summed)')
ecs_to_a.connect('i % 2 == j')
a_to_s = Synapses(A, S, 'G_post = g_pre : 1 (summed)')
a_to_s.connect('j % 2 == i')
M = StateMonitor(S, ['Y', 'G', 'x'], record=True)
V = StateMonitor(A, ['g', 'I'], record=True)
spikes = SpikeMonitor(N)
run(12*ms)
result = {'Y': M.Y, 'G': M.G, 'x': M.x, 'g': V.g, 'I': V.I, 't': spikes.t/ms, 'n': spikes.i, 'i': array(a_to_s.i), 'j': array(a_to_s.j)}
""",
    "neuromodulation: spikes change synapses": """
P = SpikeGeneratorGroup(2, [0, 1, 0, 1], [1, 2, 5, 7]*ms)
Q = SpikeGeneratorGroup(2, [1, 0, 1], [1.5, 4, 6]*ms)
D = SpikeGeneratorGroup(1, [0, 0], [3, 7.5]*ms)
S = Synapses(P, Q, '''m : 1
dc/dt = -c/(10*ms) : 1 (clock-driven)
dd/dt = -d/(5*ms) : 1 (clock-driven)
ds/dt = c*d/(1*ms) : 1 (clock-driven)
dApre/dt = -Apre/(4*ms) : 1 (event-driven)
dApost/dt = -Apost/(4*ms) : 1 (event-driven)''', on_pre='''Apre += 0.1
c = clip(c + Apost, -1, 1)
s = clip(s, -10, 10)''', on_post='''Apost -= 0.12
c = clip(c + Apre, -1, 1)''', method='euler')
S.connect()
S.m = '1 + i + 2*j'
R = Synapses(D, S, on_pre='d_post += 0.5*m_post', delay=0.5*ms)
R.connect()
M = StateMonitor(S, ['c', 'd', 's'], record=True)
run(12*ms)
result = {'c': M.c, 'd': M.d, 's': M.s, 'Apre': array(S.Apre), 'last': S.lastupdate/ms}
""",
    "pathways by name and order": """
P = SpikeGeneratorGroup(2, [0, 1, 0], [1, 2, 4]*ms)
H = NeuronGroup(2, 'v : 1')
S = Synapses(P, H, 'w : 1', on_pre={'b_add': 'w += 3', 'a_scale': 'w *= 2', 'c_out': 'v_post += w'})
S.connect()
S.w = [1, 2, 3, 4]
S.c_out.delay = '(i + 2*j)*0.5*ms'
M = StateMonitor(S, 'w', record=True)
V = StateMonitor(H, 'v', record=True)
run(3*ms)
S.b_add.order = -2
run(3*ms)
result = {'w': M.w, 'v': V.v, 'delay': S.c_out.delay/ms, 'order': [S.b_add.order, S.a_scale.order]}
""",
    "a pathway in another slot": """
G = NeuronGroup(1, 'dv/dt = 1/ms : 1', threshold='v > 1', reset='v = 0', method='euler')
H = NeuronGroup(1, '''x : 1
seen : 1''')
S = Synapses(G, H, on_pre={'one': 'seen_post = v_pre', 'two': 'x_post = v_pre'})
S.connect()
S.two.when = 'after_resets'
run(2.5*ms)
result = {'seen': array(H.seen), 'x': array(H.x)}
""",
    "delays of both sides, for each synapse": """
P = SpikeGeneratorGroup(3, [0, 1, 2, 0, 2, 1], [1, 5, 9, 12, 22, 30]*ms)
Q = SpikeGeneratorGroup(2, [0, 1, 0, 1], [3, 8, 14, 31]*ms)
S = Synapses(P, Q, '''w : 1
dApre/dt = -Apre/(20*ms) : 1 (event-driven)
dApost/dt = -Apost/(15*ms) : 1 (event-driven)''', on_pre='''Apre += 0.01
w = clip(w + Apost, 0, 1)''', on_post='''Apost -= 0.0105
w = clip(w + Apre, 0, 1)''')
S.connect()
S.w = '0.5 + 0.01*i*j'
S.delay = '(0.3 + i + 0.7*j)*ms'
S.post.delay = '(2.1 - 0.6*i + j)*ms'
M = StateMonitor(S, ['w', 'Apre', 'Apost'], record=True)
run(40*ms)
result = {'w': M.w, 'pre': M.Apre, 'post': M.Apost, 'last': S.lastupdate/ms, 'delay': S.pre.delay/ms, 'back': S.post.delay/ms}
""",
    "delays by dictionary, of pre and post": """
P = SpikeGeneratorGroup(2, [0, 1], [1, 2]*ms)
S = Synapses(P, P, '''w : 1
n : 1''', on_pre={'up': 'w += 1', 'down': 'w -= 1'}, on_post={'back': 'n += 1'}, delay={'up': 0.5*ms, 'down': 2*ms, 'back': 3*ms})
S.connect()
M = StateMonitor(S, ['w', 'n'], record=True)
run(7*ms)
S.up.delay = 1*ms
result = {'w': M.w, 'n': M.n, 'up': array(S.up.delay/ms)}
""",
    "sums to both sides and their order": """
G = NeuronGroup(3, '''dv/dt = (I + J - v)/(5*ms) : 1
I : 1
J : 1
K : 1''', method='euler', name='neurons')
G.v = [0, 1, 3]
A = Synapses(G, G, '''w : 1
g = w*(v_pre - v_post) : 1
I_post = g : 1 (summed)
J_pre = g*g + v_pre : 1 (summed)''', name='a')
A.connect('i != j')
A.w = '0.1*(i + 1) + 0.01*j'
B = Synapses(G, G, 'K_post = I_pre*J_post : 1 (summed)', name='b')
B.connect('i <= j')
M = StateMonitor(G, ['v', 'I', 'J', 'K'], record=True)
N = StateMonitor(G, ['I', 'K'], record=True, when='after_groups')
run(3*ms)
result = {'v': M.v, 'I': M.I, 'J': M.J, 'K': M.K, 'I1': N.I, 'K1': N.K}
""",
    "a sum into a group that is updated before others": """
G = NeuronGroup(2, '''dv/dt = (I - v)/(5*ms) : 1
I : 1''', method='euler', order=-3)
H = NeuronGroup(2, 'du/dt = 1/ms : 1', method='euler')
S = Synapses(H, G, '''dx/dt = u_pre/ms : 1 (clock-driven)
I_post = x + u_pre : 1 (summed)''', method='euler', order=-5)
S.connect()
M = StateMonitor(G, ['v', 'I'], record=True)
run(2*ms)
result = {'v': M.v, 'I': M.I}
""",
    "several synapses of a pair": """
P = SpikeGeneratorGroup(2, [0, 1, 0], [1, 2, 6]*ms)
H = NeuronGroup(2, 'v : 1')
S = Synapses(P, H, 'w : 1', on_pre='v += w', multisynaptic_index='k')
S.connect(i=[0, 1], j=1, n=3)
S.connect(i=0, j=1)
S.connect('i == j', n=2)
S.delay = '0.5*ms + k*1*ms'
S.w = '1 + k + 10*i'
S.w['k > 2'] = 100
S.w[:, :, 1] = 7
V = StateMonitor(H, 'v', record=True)
run(12*ms)
result = {'v': V.v, 'k': array(S.k), 'i': array(S.i), 'j': array(S.j), 'w': array(S.w), 'one': array(S.w[:, :, 1:3]), 'two': array(S.w[1, 1]),
          'delay': S.delay/ms}
""",
    "indexing": """
G = NeuronGroup(5, 'x : 1')
H = NeuronGroup(4, 'y : 1')
G.x = 'i*0.3'
H.y = '1 - 0.2*i'
S = Synapses(G, H, '''w : 1
z = w*x_pre : 1''')
S.connect('i != j and i + j < 7')
S.w = 'i + 10*j'
S.w[2, :] = 1.5
S.w[:, 3] = 'w*2 + y_post'
S.w[1, 2] = -4
S.w['x_pre > y_post'] = '100 + N_outgoing + 0.1*N_incoming'
S.w[3:, [0, 1]] = 5
result = {'w': array(S.w), 'z': array(S.z), 'a': array(S.w[0, :]), 'b': array(S.w[:, 3]), 'c': array(S.w[[0, 4], 1:3]), 'd': array(S.w['i > j']),
          'e': array(S.w[3]), 'f': array(S.w[2:8:2]), 'g': array(S.i['w > 50']), 'h': array(S.j[0, :]), 'out': array(S.N_outgoing_pre),
          'in': array(S.N_incoming_post), 'o': array(S.N_outgoing[:]), 'n': array(S.N_incoming[:]), 'N': [S.N + 0, len(S), S.N_pre + 0, S.N_post + 0]}
""",
    "parts of synapses in monitors": """
P = SpikeGeneratorGroup(3, [0, 1, 2], [1, 2, 3]*ms)
H = NeuronGroup(3, 'v : 1')
S = Synapses(P, H, 'w : 1', on_pre='w += 1 + i - j')
S.connect()
M = StateMonitor(S, 'w', record=S[1, :])
N = StateMonitor(S, 'w', record=S['i != j'])
O = StateMonitor(S, 'w', record=[0, 4])
run(4*ms)
result = {'m': M.w, 'n': N.w, 'o': O.w, 'one': M[S[1, 2]].w, 'two': N[S[2, 0]].w, 'len': [len(S[1, :]), len(S['w > 3'])]}
""",
    "connections": """
G = NeuronGroup(6, '''x : 1
k : integer''')
H = NeuronGroup(4, 'y : 1')
G.x = 'i*0.5'
G.k = 'i % 3'
H.y = 'i'
out = {}
late = 2
for number, kwargs in enumerate([
        dict(n=2), dict(condition='i > j', n='i - j'), dict(j='int(i/2) if i % 2 == 0'), dict(i='j*late', skip_if_invalid=True),
        dict(j='k for k in range(i, i+3)', skip_if_invalid=True), dict(i='k + j for k in range(0, N_pre, 2) if k != 2', skip_if_invalid=True),
        dict(j='i+(-1)**k for k in range(2)', skip_if_invalid=True), dict(j='k for k in range(k_pre)'),
        dict(j='k for k in range(N_post) if y_post > x_pre', n=2), dict(i=[0, 1, 5], j=2), dict(i=arange(4), j=arange(4), n=3),
        dict(condition='x_pre == y_post or k_pre == 2'), dict(i='N_pre - 1 - j'), dict(condition=False),
        dict(j='k for k in range(3, -1, -1) if k > i', n=2), dict(condition='i < late', p=1.0),
        dict(j='k for k in sample(0, N_post, 2, p=1.0)'), dict(j='k for k in sample(N_post, size=N_post)'),
        dict(condition='True'), dict(j='i if i < N_post')]):
    S = Synapses(G, H)
    S.connect(**kwargs)
    out['i%d' % number] = array(S.i)
    out['j%d' % number] = array(S.j)
result = out
""",
    "connections between parts of groups": """
G = NeuronGroup(10, 'x : 1', threshold='x > 100')
G.x = 'i'
A, B = G[2:6], G[5:]
S = Synapses(A, B, '''w : 1
u : 1''')
S.connect('i == j or x_pre == x_post')
S.connect(j='k for k in range(i)')
S.connect(i=[0, 3], j=[4, 4])
S.w = 'x_pre + 10*x_post + 100*i + 1000*j'
S.u = 'i + 10*j + 100*N_pre + 1000*N_post'
result = {'i': array(S.i), 'j': array(S.j), 'w': array(S.w), 'u': array(S.u), 'out': array(S.N_outgoing[:]), 'in': array(S.N_incoming[:]),
          'a': array(S.w[1, :]), 'b': array(S.w[:, 0])}
""",
    "synapses that come later": """
P = SpikeGeneratorGroup(2, [0, 1, 0, 1], [1, 2, 6, 7]*ms)
H = NeuronGroup(3, 'v : 1')
S = Synapses(P, H, 'w : 1', on_pre='v += w')
S.connect(j='i')
S.w = [1, 2]
S.delay = [0.5, 1]*ms
V = StateMonitor(H, 'v', record=True)
run(4*ms)
S.connect(i=[1, 0], j=[2, 2])
before = array(S.w)
S.w['j == 2'] = 5
run(5*ms)
result = {'v': V.v, 'before': before, 'w': array(S.w), 'delay': S.delay/ms, 'i': array(S.i)}
""",
    "short-term plasticity written by hand": """
U, tauf, taud = 0.2, 10*ms, 20*ms
P = SpikeGeneratorGroup(2, [0, 0, 1, 0, 1], [1, 4, 5, 9, 20]*ms)
H = NeuronGroup(2, 'v : 1')
S = Synapses(P, H, '''x : 1
u : 1
w : 1
lastupdate : second''', on_pre='''u = U + (u - U)*exp(-(t - lastupdate)/tauf)
x = 1 + (x - 1)*exp(-(t - lastupdate)/taud)
release = u*x
v_post += w*release
x *= 1 - u
u += U*(1 - u)
lastupdate = t''')
S.connect(j='i')
S.x, S.u, S.w = 1, U, [2, 3]
M = StateMonitor(S, ['x', 'u'], record=True)
run(25*ms)
result = {'x': M.x, 'u': M.u, 'v': array(H.v), 'last': S.lastupdate/ms}
""",
    "what a neuron knows of itself": """
G = NeuronGroup(3, '''dv/dt = (I - v)/(4*ms) : 1 (unless refractory)
I : 1
twice = 2*v + i : 1
s : 1
r : 1
l : second''', threshold='v > 1', reset='v = 0', refractory=2*ms, method='euler')
G.I = [1.2, 1.5, 3]
S = Synapses(G, G, '''s_post = twice_pre + int(not_refractory_post) : 1 (summed)
a : 1
b : second''', on_pre='''a = twice_post + N_outgoing
b = lastspike_post
r_post += int(not_refractory_post)
l_pre = t_pre''')
S.connect('i != j')
M = StateMonitor(G, ['s', 'r'], record=True)
run(15*ms)
result = {'s': M.s, 'r': M.r, 'a': array(S.a), 'b': S.b/ms, 'l': G.l/ms}
""",
    "a value for a whole step, and a shared one": """
P = SpikeGeneratorGroup(2, [0, 1, 0], [1, 2, 4]*ms)
H = NeuronGroup(2, 'v : 1')
S = Synapses(P, H, '''w : 1
scale : 1 (shared)
total = scale*2 : 1 (shared)
held = w*v_post + t/ms : 1 (constant over dt)''', on_pre='''v_post += w*total
w = held''')
S.connect()
S.w = [1, 2, 3, 4]
S.scale = 0.5
M = StateMonitor(S, ['w', 'held', 'total'], record=True)
run(6*ms)
result = {'w': M.w, 'held': M.held, 'v': array(H.v), 'total': M.total}
""",
    "constants that appear late and change": """
P = SpikeGeneratorGroup(2, [0, 1, 0, 1], [1, 2, 11, 12]*ms)
H = NeuronGroup(2, 'v : 1')
S = Synapses(P, H, '''dx/dt = -x/tau : 1 (event-driven)
dz/dt = (x0 - z)/tau : 1 (clock-driven)''', on_pre='''x += step
v_post += x + z''', method='exact')
S.connect()
tau, step, x0 = 5*ms, 1, 0.5
M = StateMonitor(S, ['x', 'z'], record=True)
run(10*ms)
tau, step, x0 = 2*ms, 3, 0.1
run(5*ms)
result = {'x': M.x, 'z': M.z, 'v': array(H.v)}
""",
    "a target that keeps refractory input out": """
P = SpikeGeneratorGroup(2, [0, 1, 0, 1, 0], [1, 1.2, 2, 4, 6]*ms)
G = NeuronGroup(2, '''dv/dt = -v/(10*ms) : 1 (unless refractory)
n : 1''', threshold='v > 1', reset='v = 0', refractory=1.5*ms, method='exact')
S = Synapses(P, G, 'w : 1', on_pre='''v += w
n_post += 1
w *= 0.9''', on_post='w += 0.3')
S.connect()
S.w = [0.6, 0.9, 1.1, 0.4]
M = StateMonitor(G, ['v', 'n'], record=True)
run(8*ms)
result = {'v': M.v, 'n': M.n, 'w': array(S.w)}
""",
    "delays that change between runs": """
P = SpikeGeneratorGroup(2, [0, 1, 0, 1, 0], [1, 2, 2.9, 5, 5.5]*ms)
H = NeuronGroup(2, 'v : 1')
S = Synapses(P, H, on_pre='v += 1')
S.connect()
S.delay = 2*ms
V = StateMonitor(H, 'v', record=True)
run(3*ms)
S.delay = [0.5, 1, 3, 4]*ms
run(3*ms)
S.delay = 1*ms
run(6*ms)
result = {'v': V.v}
""",
}

if __name__ == "__main__":
    import json
    import sys
    from pathlib import Path

    import brian2
    import numpy as np

    brian2.prefs.codegen.target = sys.argv[1] if len(sys.argv) > 1 else "numpy"
    golden = {}
    for name, text in SCRIPTS.items():
        space = {}
        print(name)
        exec("from brian2 import *\nstart_scope()\n" + text, space)
        golden[name] = {k: np.asarray(v, float).tolist() for k, v in space["result"].items()}
    golden["brian2"] = brian2.__version__
    Path(__file__).with_name("golden_synapses.json").write_text(json.dumps(golden) + "\n")
