"""Scripts that run unchanged on Brian 2 and on eqsnn.brian; each leaves plain arrays in ``result``. No script draws random numbers.

``python tests/brian_scripts.py`` with Brian 2 installed writes tests/golden.json; tests/test_brian.py compares.
"""

SCRIPTS = {
    "LIF with refractoriness": """
G = NeuronGroup(3, '''dv/dt = (I - v)/(10*ms) : 1 (unless refractory)
I : 1''', threshold='v > 1', reset='v = 0', refractory=5*ms, method='exact')
G.I = [1.1, 1.5, 3]
M = SpikeMonitor(G)
S = StateMonitor(G, 'v', record=True)
run(50*ms)
result = {'i': M.i, 't': M.t/ms, 'v': S.v}
""",
    "refractoriness by expression and by condition": """
G = NeuronGroup(4, '''dv/dt = (1.5 - v)/(5*ms) : 1 (unless refractory)
ref : second''', threshold='v > 1', reset='v = 0', refractory='ref', method='euler')
G.ref = [0, 0.1, 1.05, 3]*ms
H = NeuronGroup(2, 'dv/dt = (2 - v)/(5*ms) : 1', threshold='v > 1', refractory='v > 0.5', method='euler')
M = SpikeMonitor(G)
N = SpikeMonitor(H)
run(30*ms)
result = {'i': M.i, 't': M.t/ms, 'j': N.i, 'u': N.t/ms}
""",
    "delays": """
G = SpikeGeneratorGroup(3, [0, 1, 2, 0], [0, 1, 2.5, 4]*ms)
H = NeuronGroup(3, 'v : 1')
S = Synapses(G, H, 'w : 1', on_pre='v += w')
S.connect(j='i')
S.w = [1, 2, 3]
S.delay = [0, 1.3, 2.26]*ms
T = Synapses(G, H, on_pre='v += 10', delay=2*ms)
T.connect()
M = StateMonitor(H, 'v', record=True)
run(8*ms)
result = {'v': M.v}
""",
    "STDP": """
taupre = taupost = 20*ms
P = SpikeGeneratorGroup(2, [0, 1, 0, 1, 0], [1, 5, 12, 22, 30]*ms)
Q = SpikeGeneratorGroup(2, [0, 1, 0, 1], [3, 8, 14, 33]*ms)
S = Synapses(P, Q, '''w : 1
dApre/dt = -Apre/taupre : 1 (event-driven)
dApost/dt = -Apost/taupost : 1 (event-driven)''',
on_pre='''Apre += 0.01
w = clip(w + Apost, 0, 1)''', on_post='''Apost -= 0.0105
w = clip(w + Apre, 0, 1)''')
S.connect()
S.w = 0.5
M = StateMonitor(S, 'w', record=True)
run(40*ms)
result = {'w': M.w, 'Apre': array(S.Apre), 'last': S.lastupdate/ms, 'i': array(S.i), 'j': array(S.j)}
""",
    "unless refractory drops synaptic input": """
G = SpikeGeneratorGroup(1, [0]*6, [1, 2, 3, 4, 5, 6]*ms)
H = NeuronGroup(1, 'dv/dt = 0/ms : 1 (unless refractory)', threshold='v > 1', reset='v = 0', refractory=2*ms, method='euler')
S = Synapses(G, H, on_pre='v += 0.7')
S.connect()
M = StateMonitor(H, 'v', record=0)
N = SpikeMonitor(H)
run(8*ms)
result = {'v': M.v, 't': N.t/ms}
""",
    "order of operations": """
G = NeuronGroup(2, 'dv/dt = 1/ms : 1', threshold='v > 1', reset='v = 0', method='euler')
G.v = [0, 0.5]
S = Synapses(G, G, on_pre='v_post += 0.25')
S.connect('i != j')
start = StateMonitor(G, 'v', record=True)
after_groups = StateMonitor(G, 'v', record=True, when='after_groups')
before_synapses = StateMonitor(G, 'v', record=True, when='before_synapses')
after_synapses = StateMonitor(G, 'v', record=True, when='after_synapses')
end = StateMonitor(G, 'v', record=True, when='end')
run(5*ms)
result = {'start': start.v, 'g': after_groups.v, 'b': before_synapses.v, 'a': after_synapses.v, 'end': end.v}
""",
    "summed variables and gap junctions": """
G = NeuronGroup(4, '''dv/dt = (v0 - v + I)/(10*ms) : 1
I : 1
v0 : 1''', threshold='v > 1', reset='v = 0', method='euler')
G.v0 = [0.5, 1.2, 1.5, 2]
S = Synapses(G, G, '''w : 1
I_post = w*(v_pre - v_post) : 1 (summed)''')
S.connect('i != j')
S.w = 0.1
M = StateMonitor(G, ['v', 'I'], record=True)
N = SpikeMonitor(G)
run(40*ms)
result = {'v': M.v, 'I': M.I, 't': N.t/ms, 'i': N.i}
""",
    "clock-driven synapses": """
G = SpikeGeneratorGroup(2, [0, 1, 0], [1, 2, 6]*ms)
H = NeuronGroup(2, '''dv/dt = (g - v)/(5*ms) : 1
g : 1''', method='euler')
S = Synapses(G, H, '''dx/dt = -x/(2*ms) : 1 (clock-driven)
dy/dt = (x*(1 - y) - y)/(10*ms) : 1 (clock-driven)
g_post = y : 1 (summed)''', on_pre='x += 1', method='euler')
S.connect(j='i')
M = StateMonitor(H, 'v', record=True)
N = StateMonitor(S, ['x', 'y'], record=True)
run(15*ms)
result = {'v': M.v, 'x': N.x, 'y': N.y}
""",
    "timed arrays": """
a = TimedArray([1, 2, 3, 4], dt=1.5*ms)
b = TimedArray([[1, 2], [3, 4], [5, 6]], dt=2*ms)
G = NeuronGroup(2, 'dv/dt = (a(t) + b(t, i) - v)/(3*ms) : 1', method='euler')
M = StateMonitor(G, 'v', record=True)
run(10*ms)
result = {'v': M.v, 'a': array([a(t*ms) for t in (0, 1.49, 1.5, 100)])}
""",
    "COBAHH single cell, exponential Euler": """
area = 20000*umetre**2
Cm = (1*ufarad*cm**-2)*area
gl = (5e-5*siemens*cm**-2)*area
El = -60*mV; EK = -90*mV; ENa = 50*mV
g_na = (100e-3*siemens*cm**-2)*area
g_kd = (30e-3*siemens*cm**-2)*area
VT = -63*mV
G = NeuronGroup(2, '''
dv/dt = (gl*(El-v)-g_na*(m*m*m)*h*(v-ENa)-g_kd*(n*n*n*n)*(v-EK) + I)/Cm : volt
dm/dt = alpha_m*(1-m)-beta_m*m : 1
dn/dt = alpha_n*(1-n)-beta_n*n : 1
dh/dt = alpha_h*(1-h)-beta_h*h : 1
alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV-v+VT)/(4*mV))/ms : Hz
beta_m = 0.28*(mV**-1)*5*mV/exprel((v-VT-40*mV)/(5*mV))/ms : Hz
alpha_h = 0.128*exp((17*mV-v+VT)/(18*mV))/ms : Hz
beta_h = 4./(1+exp((40*mV-v+VT)/(5*mV)))/ms : Hz
alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV-v+VT)/(5*mV))/ms : Hz
beta_n = .5*exp((10*mV-v+VT)/(40*mV))/ms : Hz
I : amp
''', threshold='v > -20*mV', refractory=3*ms, method='exponential_euler')
G.v = El
G.I = [0.2, 0.5]*nA
M = StateMonitor(G, ['v', 'm'], record=True)
N = SpikeMonitor(G)
run(30*ms)
result = {'v': M.v/mV, 'm': M.m, 't': N.t/ms}
""",
    "rk4, rk2 and euler": """
eqs = '''dv/dt = (0.7 - v*v*v + w)/ms : 1
dw/dt = (v - w*w)/(3*ms) : 1'''
groups = [NeuronGroup(1, eqs, method=m) for m in ('rk4', 'rk2', 'euler')]
monitors = [StateMonitor(g, ['v', 'w'], record=0) for g in groups]
net = Network(groups, monitors)
net.run(5*ms)
result = {str(k): m.v for k, m in enumerate(monitors)}
""",
    "exact with coupled equations": """
tau = 5*ms
G = NeuronGroup(2, '''dx/dt = (2*y - x)/tau : 1
dy/dt = (z - y)/tau : 1
dz/dt = -z/(3*tau) + 1/tau : 1
a : 1''', method='exact')
G.x = 1
G.y = [0, 2]
M = StateMonitor(G, ['x', 'y', 'z'], record=True)
run(20*ms)
result = {'x': M.x, 'y': M.y, 'z': M.z}
""",
    "subgroups": """
G = NeuronGroup(10, 'v : 1', threshold='v > 1', reset='v = 0')
G.v = 'i*0.3'
A = G[2:6]
B = G[5:]
A.v = 'v + i'
S = Synapses(A, B, 'w : 1', on_pre='v_post += w')
S.connect('i == j or i == 3')
S.w = 'i + 10*j'
M = SpikeMonitor(B)
N = StateMonitor(B, 'v', record=[0, 4])
P = PopulationRateMonitor(A)
run(1*ms)
result = {'v': array(G.v), 'w': array(S.w), 'i': M.i, 't': M.t/ms, 'n': N.v, 'rate': P.rate/Hz, 'pre': array(S.i), 'post': array(S.j)}
""",
    "several clocks": """
G = NeuronGroup(1, 'dv/dt = 1/ms : 1', dt=0.3*ms, method='euler')
H = NeuronGroup(1, 'dv/dt = 1/ms : 1', threshold='v > 1', reset='v = 0', dt=0.2*ms, method='euler')
S = Synapses(H, G, on_pre='v_post -= 0.5', delay=0.4*ms)
S.connect()
M = StateMonitor(G, 'v', record=0, dt=0.5*ms)
N = SpikeMonitor(H)
run(7*ms)
result = {'v': M.v, 't': M.t/ms, 's': N.t/ms}
""",
    "expressions": """
G = NeuronGroup(6, '''a = i % 4 + i//2 : 1
b = int(i > 2) + clip(i, 1, 3) : 1
c = exp(-0.1*i) + sqrt(i + 1.0) + abs(i - 3.5) : 1
d = sin(i) + cos(i) + tan(0.1*i) + tanh(i - 2.0) + arctan(i) : 1
e1 = log(i + 1.0) + log10(i + 1.0) + ceil(i/4.0) + floor(i/4.0) : 1
f = (i + 0.5)**1.5 + 2**(i/3.0) + sign(i - 2.5) : 1
g = exprel(0.1*i) + expm1(0.2*i) + log1p(0.3*i) + sinh(0.2*i) + cosh(0.2*i) : 1
h = timestep(i*0.1*ms, dt) : integer''')
result = {n: array(getattr(G, n)[:], dtype=float) for n in ('a', 'b', 'c', 'd', 'e1', 'f', 'g', 'h')}
""",
    "generators": """
G = NeuronGroup(6, 'x : 1')
G.x = 'i*0.5'
out = {}
for k, kwargs in enumerate([dict(j='i'), dict(j='k for k in range(i-1, i+2) if k != i', skip_if_invalid=True), dict(condition='abs(i-j) < 2 and i != j'),
        dict(i=[0, 1, 5], j=[2, 2, 0]), dict(condition='x_pre > x_post'), dict(j='k for k in range(0, N_post, 2)'), dict(i='j', ), dict(condition=True)]):
    S = Synapses(G, G)
    S.connect(**kwargs)
    out['i%d' % k] = array(S.i)
    out['j%d' % k] = array(S.j)
result = out
""",
    "statements": """
G = NeuronGroup(2, '''dv/dt = 1/(3*ms) : 1
u : 1
n : integer
b : boolean''', threshold='v > 1', reset='''old = v
v = old - 1
u += 2*old
u *= 0.9
n += 1
b = n % 2 == 0''', method='euler')
G.v = [0.1, 0.7]
M = StateMonitor(G, ['v', 'u', 'n'], record=True)
run(12*ms)
result = {'v': M.v, 'u': M.u, 'n': array(M.n, dtype=float), 'b': array(G.b, dtype=float)}
""",
    "pathways in order": """
G = SpikeGeneratorGroup(1, [0], [1]*ms)
H = NeuronGroup(1, 'v : 1')
S = Synapses(G, H, 'w : 1', on_pre={'up': 'v_post += 3', 'scale': 'v_post *= 2'}, delay={'up': 1*ms, 'scale': 1.5*ms})
S.connect()
M = StateMonitor(H, 'v', record=0)
run(4*ms)
result = {'v': M.v}
""",
    "pre before post": """
G = SpikeGeneratorGroup(2, [0, 1, 0], [1, 1, 2]*ms)
H = SpikeGeneratorGroup(2, [0, 1, 1], [1, 1, 2]*ms)
S = Synapses(G, H, 'w : 1', on_post='w *= 10', on_pre='w += 1')
S.connect()
S.w = 2
run(3*ms)
result = {'w': array(S.w)}
""",
    "operations": """
G = NeuronGroup(1, 'dv/dt = -v/(5*ms) : 1', method='exact')
G.v = 1
seen = []
@network_operation(dt=2*ms)
def bump(t):
    seen.append([t/ms, G.v[0]])
    G.v = G.v + 0.5
M = StateMonitor(G, 'v', record=0)
net = Network(G, bump, M)
net.run(7*ms)
result = {'v': M.v, 'seen': array(seen)}
""",
    "runs that go on": """
G = NeuronGroup(1, 'dv/dt = (1.5 - v)/(5*ms) : 1', threshold='v > 1', reset='v = 0', method='exact')
S = Synapses(G, G, on_pre='v += 0.3', delay=3*ms)
S.connect()
M = StateMonitor(G, 'v', record=0)
N = SpikeMonitor(G)
run(5.7*ms)
G.v = 0.4
run(9*ms)
result = {'v': M.v, 't': M.t/ms, 's': N.t/ms}
""",
    "clocks of summed variables": """
G = NeuronGroup(3, '''dv/dt = (s - v)/ms : 1
s : 1''', dt=0.2*ms, method='euler')
G.v = 'i'
S = Synapses(G, G, 's_post = v_pre : 1 (summed)')
S.connect('i != j')
H = NeuronGroup(3, 'u : 1')
T = Synapses(G, H, '''u_post = v_pre*2 : 1 (summed)
dx/dt = (v_pre - x)/ms : 1 (clock-driven)''', method='euler')
T.connect(j='i')
M = StateMonitor(G, ['v', 's'], record=True)
N = StateMonitor(H, 'u', record=True)
run(2*ms)
result = {'v': M.v, 's': M.s, 'u': N.u, 'x': array(T.x)}
""",
    "plasticity with delays on both sides": """
P = SpikeGeneratorGroup(3, [0, 1, 2]*6, (arange(18)*1.0 + 0.3)*ms)
Q = NeuronGroup(2, 'dv/dt = -v/(5*ms) : 1', threshold='v > 1', reset='v = 0', refractory=2*ms, method='exact')
S = Synapses(P, Q, '''w : 1
dap/dt = -ap/(10*ms) : 1 (event-driven)
dao/dt = -ao/(20*ms) : 1 (event-driven)''', on_pre='v_post += w; ap += 0.1; w = clip(w + ao, 0, 2)',
on_post='ao -= 0.11; w = clip(w + ap, 0, 2)')
S.connect()
S.w = '0.5 + 0.1*i + 0.05*j'
S.pre.delay = '(0.3 + 0.7*i + 0.2*j)*ms'
S.post.delay = [0, 0.4, 0.2, 1, 0, 3]*ms
M = StateMonitor(S, ['w', 'ap', 'ao'], record=True)
N = SpikeMonitor(Q)
run(25*ms)
result = {'w': M.w, 'ap': M.ap, 'ao': M.ao, 'i': N.i, 't': N.t/ms, 'pre': S.delay/ms, 'post': S.post.delay/ms}
""",
    "one value a step": """
ta=TimedArray([1,2,3],dt=.3*ms)
G=NeuronGroup(3,'''dv/dt=(I-v)/ms:1
J=I+k:1 (constant over dt)
I=2*v+ta(t)+i+H/2:1 (constant over dt)
H=v*v:1
k=3*t/ms:1 (constant over dt, shared)
n=int(v>0.5)+1:integer (constant over dt)
b=v>0.5:boolean (constant over dt)''',threshold='J>9',reset='v=J*0.1',method='rk4')
H=NeuronGroup(2,'u:1'); H.u=[1,2]
S=Synapses(G,H,'w:1\\nq=v_pre*u_post+w:1 (constant over dt)\\nr=2*t/ms:1 (constant over dt)',on_pre='u_post+=0.01*q+r+0.001*I_pre'); S.connect(); S.w='i'
M=StateMonitor(G,['v','I','J','H','k','n','b'],record=True); N=StateMonitor(S,'q',record=True); P=SpikeMonitor(G)
run(3*ms)
result={'v':M.v,'I':M.I,'J':M.J,'H':M.H,'n':M.n,'b':M.b,'q':N.q,'u':H.u[:],'t':P.t/ms,'i':P.i,'r':S.r[:]}
""",
    "one value a step, exact": """
ta=TimedArray([1,2,3],dt=.3*ms)
G=NeuronGroup(3,'dv/dt=(I-v)/ms:1\\nI=ta(t)+i:1 (constant over dt)',method='exact')
M=StateMonitor(G,'v',record=True)
run(2*ms)
result={'v':M.v}
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
    Path(__file__).with_name("golden.json").write_text(json.dumps(golden))
