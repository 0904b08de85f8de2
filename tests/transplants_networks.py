"""Scripts of transplants.py: networks without plasticity."""

# The connectivity of a random graph with probability p, without autapses, as two arrays.
_GRAPH = """
def graph(n, m, p):
    keep = rng.rand(n, m) < p
    if n == m:
        keep[arange(n), arange(n)] = False
    return keep.nonzero()
"""

NETWORKS = {
    "CUBA": _GRAPH
    + """
taum, taue, taui = 20*ms, 5*ms, 10*ms
Vt, Vr, El = -50*mV, -60*mV, -49*mV
G = NeuronGroup(4000, '''
dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
dge/dt = -ge/taue : volt
dgi/dt = -gi/taui : volt
''', threshold='v > Vt', reset='v = Vr', refractory=5*ms, method='exact')
G.v = Vr + rng.rand(4000)*(Vt - Vr)
we, wi = 1.62*mV, -9*mV
Ce = Synapses(G, G, on_pre='ge += we')
Ci = Synapses(G, G, on_pre='gi += wi')
i, j = graph(4000, 4000, 0.02)
Ce.connect(i=i[i < 3200], j=j[i < 3200])
Ci.connect(i=i[i >= 3200], j=j[i >= 3200])
M = SpikeMonitor(G)
run(200*ms)
spikes, state = [M], {'v': G.v[::20], 'ge': G.ge[::20], 'gi': G.gi[::20]}
""",
    "COBAHH": _GRAPH
    + """
area = 20000*umetre**2
Cm = 1*ufarad*cm**-2*area
gl = 5e-5*siemens*cm**-2*area
El, EK, ENa, VT = -60*mV, -90*mV, 50*mV, -63*mV
g_na = 100*msiemens*cm**-2*area
g_kd = 30*msiemens*cm**-2*area
taue, taui, Ee, Ei = 5*ms, 10*ms, 0*mV, -80*mV
we, wi = 6*nS, 67*nS
eqs = Equations('''
dv/dt = (gl*(El-v) + ge*(Ee-v) + gi*(Ei-v) - g_na*(m*m*m)*h*(v-ENa) - g_kd*(n*n*n*n)*(v-EK))/Cm : volt
dm/dt = alpha_m*(1-m) - beta_m*m : 1
dn/dt = alpha_n*(1-n) - beta_n*n : 1
dh/dt = alpha_h*(1-h) - beta_h*h : 1
dge/dt = -ge*(1./taue) : siemens
dgi/dt = -gi*(1./taui) : siemens
alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV-v+VT)/(4*mV))/ms : Hz
beta_m = 0.28*(mV**-1)*5*mV/exprel((v-VT-40*mV)/(5*mV))/ms : Hz
alpha_h = 0.128*exp((17*mV-v+VT)/(18*mV))/ms : Hz
beta_h = 4./(1+exp((40*mV-v+VT)/(5*mV)))/ms : Hz
alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV-v+VT)/(5*mV))/ms : Hz
beta_n = .5*exp((10*mV-v+VT)/(40*mV))/ms : Hz
''')
G = NeuronGroup(600, eqs, threshold='v > -20*mV', refractory=3*ms, method='exponential_euler')
G.v = El + (rng.randn(600)*5 - 5)*mV
G.ge = (rng.randn(600)*1.5 + 4)*10*nS
G.gi = (rng.randn(600)*12 + 20)*10*nS
P, Q = G[:480], G[480:]
Ce = Synapses(P, G, on_pre='ge += we')
Ci = Synapses(Q, G, on_pre='gi += wi')
for S, n in ((Ce, 480), (Ci, 120)):
    i, j = graph(n, 600, 0.1)
    S.connect(i=i, j=j)
M = SpikeMonitor(G)
run(150*ms)
spikes, state = [M], {'v': G.v, 'm': G.m, 'ge': G.ge}
""",
    "Brunel with given external spikes": _GRAPH
    + """
theta, Vr, tau, J, g, D = 20*mV, 10*mV, 20*ms, 0.2*mV, 5, 1.5*ms
G = NeuronGroup(1000, 'dv/dt = -v/tau : volt (unless refractory)', threshold='v > theta', reset='v = Vr', refractory=2*ms, method='exact')
G.v = rng.rand(1000)*theta
lots = unique(rng.randint(0, 200*1000, 15000))
ext = SpikeGeneratorGroup(200, lots % 200, (lots//200)*0.1*ms)
exc = Synapses(G[:800], G, on_pre='v_post += J', delay=D)
inh = Synapses(G[800:], G, on_pre='v_post += -g*J', delay=D)
outer = Synapses(ext, G, on_pre='v_post += J', delay=D)
for S, n, p in ((exc, 800, 0.1), (inh, 200, 0.1), (outer, 200, 0.25)):
    i, j = graph(n, 1000, p)
    S.connect(i=i, j=j)
M, N = SpikeMonitor(G[:800]), SpikeMonitor(G[800:])
run(100*ms)
spikes, state = [M, N], {'v': G.v[::5]}
""",
    "Izhikevich with given thalamic input": """
n, ne = 500, 400
r = rng.rand(n)
excitatory = arange(n) < ne
G = NeuronGroup(n, '''
dv/dt = (0.04*v**2/mV + 5*v + 140*mV - u + I*mV)/ms : volt
du/dt = a*(b*v - u) : volt
I = thalamus(t, i)*strength + g : 1
g : 1
a : Hz (constant)
b : 1 (constant)
c : volt (constant)
d : volt (constant)
strength : 1 (constant)
''', threshold='v >= 30*mV', reset='v = c; u += d', method='euler')
G.a = where(excitatory, 0.02, 0.02 + 0.08*r)/ms
G.b = where(excitatory, 0.2, 0.25 - 0.05*r)
G.c = where(excitatory, -65 + 15*r**2, -65)*mV
G.d = where(excitatory, 8 - 6*r**2, 2)*mV
G.strength = where(excitatory, 5, 2)
thalamus = TimedArray(rng.randn(300, n), dt=1*ms)
G.v = -65*mV
G.u = 'b*v'
S = Synapses(G, G, 'w : 1', on_pre='g_post += w')
S.connect()
S.w = where(excitatory, 0.5, -1)[S.i]*rng.rand(n*n)*2
G.run_regularly('g = 0', dt=1*ms, when='before_synapses')
M = SpikeMonitor(G)
run(300*ms)
spikes, state = [M], {'v': G.v, 'u': G.u, 'g': G.g}
""",
    "AdEx firing patterns": """
C, gL, EL, VT, DeltaT = 281*pF, 30*nS, -70.6*mV, -50.4*mV, 2*mV
G = NeuronGroup(8, '''
dv/dt = (gL*(EL - v) + gL*DeltaT*exp((v - VT)/DeltaT) + I(t, i) + ge*(0*mV - v) - w)/C : volt
dw/dt = (a*(v - EL) - w)/tauw : amp
dge/dt = -ge/(5*ms) : siemens
a : siemens (constant)
b : amp (constant)
tauw : second (constant)
vr : volt (constant)
''', threshold='v > VT + 5*DeltaT', reset='v = vr; w += b', method='rk2')
G.tauw = [144, 144, 20, 40, 100, 144, 300, 60]*ms
G.a = [4, 4, 4, 2, 0, 20, 4, -5]*nS
G.b = [0.0805, 0, 0.5, 0.06, 0.1, 0.05, 0.2, 0.1]*nA
G.vr = [-70.6, -70.6, -45.4, -47, -60, -48, -55, -50]*mV
G.v = EL
I = TimedArray(outer(array([0, 1, 0.6, 1.4, 0.9, 0]), linspace(0.8, 1.5, 8))*nA, dt=50*ms)
S = Synapses(G, G, on_pre='ge_post += 2*nS', delay=1*ms)
S.connect(i=arange(8), j=(arange(8) + 1) % 8)
M = SpikeMonitor(G)
V = StateMonitor(G, ['v', 'w'], record=[0, 3], dt=5*ms)
run(400*ms)
spikes, state = [M], {'v': G.v, 'w': G.w, 'trace': V.v, 'adaptation': V.w}
""",
    "Hodgkin-Huxley f-I curve with a timed current": """
defaultclock.dt = 0.02*ms
n = 24
area = 1e-4*cm**2
C = 1*uF/cm**2*area
gNa, gK, gl = 120*msiemens/cm**2*area, 36*msiemens/cm**2*area, 0.3*msiemens/cm**2*area
ENa, EK, El = 115*mV, -12*mV, 10.6*mV
G = NeuronGroup(n, '''
dv/dt = (gl*(El-v) + gNa*m**3*h*(ENa-v) + gK*k**4*(EK-v) + current(t)*scale)/C : volt
dm/dt = alpham*(1-m) - betam*m : 1
dk/dt = alphan*(1-k) - betan*k : 1
dh/dt = alphah*(1-h) - betah*h : 1
alpham = 1/exprel(-v/(10*mV) + 2.5)/ms : Hz
betam = 4*exp(-v/(18*mV))/ms : Hz
alphah = 0.07*exp(-v/(20*mV))/ms : Hz
betah = 1/(exp(-v/(10*mV) + 3) + 1)/ms : Hz
alphan = 0.1/exprel(-v/(10*mV) + 1)/ms : Hz
betan = 0.125*exp(-v/(80*mV))/ms : Hz
scale : 1 (constant)
''', threshold='v > 50*mV', refractory='v > 50*mV', method='rk4')
current = TimedArray(abs(sin(arange(40)*0.4))*2*uA*area/cm**2*10, dt=5*ms)
G.scale = linspace(0, 1.5, n)
G.h = 1
M = SpikeMonitor(G)
run(120*ms)
spikes, state = [M], {'v': G.v, 'm': G.m, 'h': G.h, 'k': G.k}
""",
    "Morris-Lecar cells with synapses": """
C, gL, gCa, gK = 20*pF, 2*nS, 4.4*nS, 8*nS
EL, ECa, EK = -60*mV, 120*mV, -84*mV
V1, V2, V3, V4, phi = -1.2*mV, 18*mV, 2*mV, 30*mV, 0.04/ms
G = NeuronGroup(20, '''
dv/dt = (I - gL*(v - EL) - gCa*minf*(v - ECa) - gK*w*(v - EK) - gs*(v - Es))/C : volt
dw/dt = phi*cosh((v - V3)/(2*V4))*(winf - w) : 1
dgs/dt = -gs/(8*ms) : siemens
minf = 0.5*(1 + tanh((v - V1)/V2)) : 1
winf = 0.5*(1 + tanh((v - V3)/V4)) : 1
I : amp (constant)
Es : volt (constant)
''', threshold='v > 0*mV', refractory='v > -10*mV', method='rk4')
G.v = rng.uniform(-60, -20, 20)*mV
G.w = 0.05
G.I = linspace(95, 160, 20)*pA
G.Es = where(arange(20) % 2 == 0, 0, -75)*mV
S = Synapses(G, G, on_pre='gs_post += 0.4*nS', delay=2*ms)
S.connect('(i*7 + j*3) % 5 == 0 and i != j')
M = SpikeMonitor(G)
run(1.2*second)
spikes, state = [M], {'v': G.v, 'w': G.w, 'gs': G.gs}
""",
    "gap junctions and pulses": """
tau, v0 = 10*ms, 1.05
G = NeuronGroup(60, '''
dv/dt = (v0 + drive - v + gap)/tau : 1
gap : 1
drive : 1 (constant)
''', threshold='v > 1', reset='v = 0', method='exponential_euler')
G.v = rng.rand(60)
G.drive = rng.rand(60)*0.2
S = Synapses(G, G, '''
w : 1 (constant)
gap_post = w*(v_pre - v_post) : 1 (summed)
''')
S.connect('i != j and abs(i - j) < 6')
S.w = rng.rand(len(S.i))*0.05
T = Synapses(G, G, on_pre='v_post -= 0.02', delay=0.7*ms)
T.connect(j='k for k in range(i + 10, i + 40, 3)', skip_if_invalid=True)
M = SpikeMonitor(G)
run(200*ms)
spikes, state = [M], {'v': G.v, 'gap': G.gap}
""",
    "delays of each synapse and refractoriness that adapts": _GRAPH
    + """
G = NeuronGroup(200, '''
dv/dt = (1.3 - v)/(15*ms) + int(not_refractory)*x/(5*ms) : 1 (unless refractory)
dx/dt = -x/(4*ms) : 1
dref/dt = (2*ms - ref)/(30*ms) : second
''', threshold='v > 1 + 0.3*x', reset='''v = -0.2*x
ref += 1.5*ms''', refractory='ref*(1 + 0.1*sin(0.3*i))', method='euler')
G.v = rng.rand(200)
G.ref = rng.uniform(1, 6, 200)*ms
S = Synapses(G, G, 'w : 1', on_pre={'main': 'x_post += w', 'echo': 'v_post += 0.3*w'})
i, j = graph(200, 200, 0.15)
S.connect(i=i, j=j)
S.w = rng.uniform(-0.06, 0.05, len(i))
S.main.delay = rng.uniform(0, 12, len(i))*ms
S.echo.delay = '0.5*ms + 0.02*ms*abs(i - j)'
M = SpikeMonitor(G)
run(300*ms)
spikes, state = [M], {'v': G.v, 'x': G.x, 'ref': G.ref, 'last': G.lastspike}
""",
    "rates summed onto parts of a group": """
G = NeuronGroup(90, '''
dv/dt = (I0 + field + other - v)/(12*ms) : 1 (unless refractory)
ds/dt = -s/(20*ms) : 1
field : 1
other : 1
I0 : 1 (constant)
''', threshold='v > 1', reset='v = 0; s += 1', refractory=2*ms, method='euler')
G.v = rng.rand(90)
G.I0 = rng.uniform(0.8, 1.5, 90)
left, middle, right = G[:30], G[30:60], G[60:]
A = Synapses(left, middle, '''
w : 1
field_post = w*s_pre : 1 (summed)''')
A.connect()
A.w = rng.rand(900)*0.06
B = Synapses(right, left, 'field_post = -0.02*s_pre*(1 + v_post) : 1 (summed)')
B.connect('i != j')
C = Synapses(middle, right, '''
a = 0.03*exp(-abs(i - j)/5.0) : 1
other_post = a*s_pre : 1 (summed)''')
C.connect(j='k for k in range(i - 5, i + 6)', skip_if_invalid=True)
D = Synapses(G[20:70], middle[5:25], on_pre='v_post += 0.01*(1 + int(i > j))', delay=1.2*ms)
D.connect('(i + j) % 4 == 1')
M, N, O = SpikeMonitor(left), SpikeMonitor(middle[10:]), SpikeMonitor(right)
run(200*ms)
spikes, state = [M, N, O], {'v': G.v, 's': G.s, 'field': G.field, 'other': G.other}
""",
    "synfire chain": """
size, groups = 20, 10
tau, tau_psp, Vr, Vt = 10*ms, 0.33*ms, -70*mV, -55*mV
G = NeuronGroup(size*groups, '''
dV/dt = (-(V - Vr) + x)*(1./tau) : volt
dx/dt = (-x + y)*(1./tau_psp) : volt
dy/dt = -y*(1./tau_psp) + 25.27*mV/ms + push(t, i)*mV/ms : volt
''', threshold='V > Vt', reset='V = Vr', refractory=1*ms, method='euler')
push = TimedArray(rng.randn(800, size*groups)*9, dt=0.1*ms)
G.V = Vr + rng.rand(size*groups)*(Vt - Vr)
S = Synapses(G, G, on_pre='y += 24.5*mV')
S.connect(j='k for k in range((int(i/20) + 1)*20, (int(i/20) + 2)*20) if i < 180')
first = SpikeGeneratorGroup(30, arange(30), rng.normal(20, 1, 30)*ms)
T = Synapses(first, G[:20], on_pre='y += 24.5*mV', delay=5*ms)
T.connect()
M = SpikeMonitor(G)
run(80*ms)
spikes, state = [M], {'V': G.V, 'x': G.x, 'y': G.y}
""",
    "decision network with NMDA gating": """
Cm, gm, VL, Vr, Vt = 0.5*nF, 25*nS, -70*mV, -55*mV, -50*mV
cells = NeuronGroup(160, '''
dv/dt = (-gm*(v - VL) - I)/Cm : volt (unless refractory)
I = gn*sn*v/(1 + exp(-0.062*v/mV)/3.57) + ge*v + gi*(v + 70*mV) : amp
dge/dt = -ge/(2*ms) : siemens
dgi/dt = -gi/(10*ms) : siemens
dx/dt = -x/(2*ms) : 1
ds/dt = 0.5/ms*x*(1 - s) - s/(100*ms) : 1
sn : 1
gn : siemens (constant)
''', threshold='v > Vt', reset='v = Vr; x += 1', refractory=2*ms, method='rk2')
cells.v = rng.uniform(-70, -50, 160)*mV
cells.gn = 0.9*nS
A, B, rest, inhibitory = cells[:40], cells[40:80], cells[80:120], cells[120:]
links = []
for source, target, w in ((A, A, 1.7), (B, B, 1.7), (A, B, 0.8), (B, A, 0.8)):
    S = Synapses(source, target, on_pre='ge_post += weight', namespace={'weight': w*0.1*nS}, delay=0.5*ms)
    S.connect('i != j')
    links.append(S)
mean_field = Synapses(cells[:120], cells, '''
w : 1 (constant)
sn_post = w*s_pre : 1 (summed)''')
mean_field.connect()
mean_field.w = '(1.6 - 0.8*int(int(i/40) != int(j/40)))/40'
inhibit = Synapses(inhibitory, cells[:120], on_pre='gi_post += 0.5*nS', delay=0.5*ms)
inhibit.connect()
excite = Synapses(cells[:80], inhibitory, on_pre='ge_post += 0.12*nS', delay=0.5*ms)
excite.connect()
lots = unique(rng.randint(0, 160*3000, 19000))
world = SpikeGeneratorGroup(160, lots % 160, (lots//160)*0.1*ms)
push = Synapses(world, cells, 'w : siemens', on_pre='ge_post += w')
push.connect(j='i')
push.w = '(11 + 1*int(i < 40))*nS'
net = Network(collect())
net.add(links)
M, N, O = SpikeMonitor(A), SpikeMonitor(B), SpikeMonitor(inhibitory)
net.add(M, N, O)
net.run(300*ms)
spikes, state = [M, N, O], {'v': cells.v, 's': cells.s, 'sn': cells.sn}
""",
    "custom events and code that runs regularly": """
G = NeuronGroup(80, '''
dv/dt = (drive - v + u)/(8*ms) : volt (unless refractory)
du/dt = -u/(25*ms) : volt
drive : volt
level : volt
bursts : integer
''', threshold='v > 12*mV', reset='v = 0*mV', refractory=1.5*ms, events={'low': 'u < -4*mV and v < 6*mV', 'near': 'v > level'}, method='exact')
G.v = rng.rand(80)*12*mV
G.drive = rng.uniform(13, 20, 80)*mV
G.level = 9*mV
G.run_on_event('low', '''u += 5*mV
bursts += 1''')
G.run_on_event('near', 'level = clip(level + 0.3*mV, 5*mV, 14*mV)')
G.run_regularly('''level -= 1*mV
drive = 16.5*mV + (drive - 16.5*mV)*0.98 + 0.1*mV*sin(i + t/(10*ms))''', dt=2.5*ms)
S = Synapses(G, G, on_pre='u_post -= 0.25*mV', delay=0.8*ms)
S.connect('(i - j) % 7 == 3')
T = Synapses(G, G, on_pre='u_post += 0.1*mV', on_event='low')
T.connect('(i + j) % 11 == 5')
M, L, K = SpikeMonitor(G), EventMonitor(G, 'low'), EventMonitor(G, 'near')
run(250*ms)
spikes, state = [M, L, K], {'v': G.v, 'u': G.u, 'drive': G.drive, 'level': G.level, 'bursts': G.bursts}
""",
    "coincidence detection through delays": """
n = 30
ears = NeuronGroup(2, '''
dx/dt = (sound(timestep(t - delay, dt)*dt + 0.5*dt) - x)/(1*ms) : 1 (unless refractory)
delay : second (constant)
''', threshold='x > 0.7', reset='x = 0', refractory=1.3*ms, method='euler')
sound = TimedArray(abs(rng.randn(4000)).cumsum() % 3, dt=0.1*ms)
ears.delay = [0, 0.7]*ms
cells = NeuronGroup(n, '''
dv/dt = -v/tau : 1
phase : 1
''', threshold='v > 1', reset='v = 0', method='exact')
tau = 1.2*ms
S = Synapses(ears, cells, on_pre='v += 0.6')
S.connect()
S.delay['i == 0'] = '1.0*j/n*1.43*ms'  # never half a step: which way it is rounded would hang on the last bit
S.delay['i == 1'] = '(1 - 1.0*j/n)*1.43*ms'
M, N = SpikeMonitor(ears), SpikeMonitor(cells)
run(400*ms)
spikes, state = [M, N], {'v': cells.v, 'x': ears.x}
""",
    "oscillators that follow a group on another clock": """
slow = NeuronGroup(12, '''
dtheta/dt = omega + K*sin(other - theta) : 1
omega : Hz (constant)
other : 1
''', threshold='theta > 2*pi', reset='theta -= 2*pi', method='euler', dt=0.5*ms)
slow.omega = 2*pi*rng.uniform(8, 14, 12)*Hz
K = 6*Hz
pairs = Synapses(slow, slow, 'other_post = theta_pre/11 : 1 (summed)')
pairs.connect('i != j')
fast = NeuronGroup(48, '''
rhythm : 1 (linked)
dv/dt = (1.1 + 0.4*cos(rhythm) - v)/(10*ms) : 1
''', threshold='v > 1', reset='v = 0', refractory=1*ms, method='exponential_euler')
fast.rhythm = linked_var(slow, 'theta', index=repeat(arange(12), 4))
fast.v = rng.rand(48)
back = Synapses(fast, slow, on_pre='theta_post += 0.004', delay=1*ms)
back.connect('int(i/4) != j and i % 3 == 0')
M, N = SpikeMonitor(slow), SpikeMonitor(fast)
run(300*ms)
spikes, state = [M, N], {'theta': slow.theta, 'v': fast.v}
""",
}
