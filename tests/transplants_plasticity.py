"""Scripts of transplants.py: networks with plastic synapses."""

PLASTICITY = {
    "STDP with given inputs": """
N, taum, taupre, taupost, Ee, vt, vr, El, taue = 200, 10*ms, 20*ms, 20*ms, 0*mV, -54*mV, -60*mV, -74*mV, 5*ms
gmax, dApre = 0.05, 0.01
dApost = -dApre*taupre/taupost*1.05
lots = unique(rng.randint(0, N*5000, 3000))
source = SpikeGeneratorGroup(N, lots % N, (lots//N)*0.1*ms)
cells = NeuronGroup(4, '''dv/dt = (ge*(Ee - v) + El - v)/taum : volt
dge/dt = -ge/taue : 1''', threshold='v > vt', reset='v = vr', method='euler')
cells.v = [-74, -70, -65, -60]*mV
S = Synapses(source, cells, '''w : 1
dApre/dt = -Apre/taupre : 1 (event-driven)
dApost/dt = -Apost/taupost : 1 (event-driven)''', on_pre='''ge_post += w
Apre += dApre*gmax
w = clip(w + Apost, 0, gmax)''', on_post='''Apost += dApost*gmax
w = clip(w + Apre, 0, gmax)''')
S.connect()
S.w = rng.rand(N*4)*gmax
M = SpikeMonitor(cells)
run(500*ms)
spikes, state = [M], {'w': S.w, 'Apre': S.Apre, 'Apost': S.Apost, 'v': cells.v, 'last': S.lastupdate}
""",
    "short-term plasticity of Tsodyks and Markram": """
n = 100
G = NeuronGroup(n, '''
dv/dt = (I + g - v)/(20*ms) : volt (unless refractory)
dg/dt = -g/(3*ms) : volt
I : volt (constant)
''', threshold='v > 15*mV', reset='v = 13.5*mV', refractory=3*ms, method='exact')
G.v = rng.rand(n)*15*mV
G.I = rng.uniform(14.5, 17, n)*mV
S = Synapses(G, G, '''
dx/dt = (1 - x)/taud : 1 (event-driven)
du/dt = (U - u)/tauf : 1 (event-driven)
A : volt (constant)
U : 1 (constant)
taud : second (constant)
tauf : second (constant)
''', on_pre='''u += U*(1 - u)
release = u*x
g_post += A*release
x -= release''')
S.connect('i != j and (3*i + 5*j) % 9 < 2')
excitatory = asarray(S.i) < 80
S.U = where(excitatory, 0.5, 0.04)*rng.uniform(0.7, 1.3, len(excitatory))
S.taud = where(excitatory, 200, 40)*ms
S.tauf = where(excitatory, 10, 400)*ms
S.A = where(excitatory, 4, -25)*mV
S.x = 1
S.u = 'U'
S.delay = rng.uniform(0.3, 2, len(excitatory))*ms
M = SpikeMonitor(G)
run(400*ms)
spikes, state = [M], {'v': G.v, 'x': S.x, 'u': S.u}
""",
    "voltage-based plasticity of Clopath": """
V_rest, V_low, V_high = -70*mV, -70*mV, -45*mV
P = SpikeGeneratorGroup(30, tile(arange(30), 40), (repeat(arange(40)*10, 30) + tile(arange(30)*0.3, 40))*ms + rng.randint(0, 20, 1200)*0.1*ms)
G = NeuronGroup(5, '''
dv/dt = (-(v - V_rest) + 2*mV*exp((v + 50*mV)/(2*mV)) + g)/(10*ms) : volt
dg/dt = -g/(5*ms) : volt
du_minus/dt = (v - u_minus)/(10*ms) : volt
du_plus/dt = (v - u_plus)/(7*ms) : volt
du_homeo/dt = (v - V_rest)**2/(200*ms) - u_homeo/(200*ms) : volt**2
''', threshold='v > -40*mV', reset='v = -60*mV', method='exponential_euler')
G.v = G.u_minus = G.u_plus = V_rest
S = Synapses(P, G, '''
w : 1
dx/dt = -x/(15*ms) : 1 (clock-driven)
dw_plus/dt = 0/second : 1 (clock-driven)
grow = 8e-5/mV**2*x*clip(v_post/mV + 45, 0, inf)*clip(u_plus_post/mV + 70, 0, inf)*mV**2 : 1
''', on_pre='''g_post += w*7*mV
w = clip(w - 14e-5/mV*clip(u_minus_post/mV + 70, 0, inf)*mV*u_homeo_post/(60*mV**2), 0, 3)
x += 1''', on_post='w = clip(w + grow, 0, 3)', method='euler')
S.connect()
S.w = rng.uniform(0.5, 1.5, 150)
M = SpikeMonitor(G)
run(400*ms)
spikes, state = [M], {'w': S.w, 'x': S.x, 'v': G.v, 'u_homeo': G.u_homeo}
""",
    "triplet rule in a recurrent network": """
n = 60
G = NeuronGroup(n, '''
dv/dt = (I + ge - v)/(20*ms) : 1 (unless refractory)
dge/dt = -ge/(5*ms) : 1
I : 1 (constant)
''', threshold='v > 1', reset='v = 0', refractory=2*ms, method='exact')
G.v = rng.rand(n)
G.I = rng.uniform(0.9, 1.4, n)
S = Synapses(G, G, '''
w : 1
dr1/dt = -r1/(16.8*ms) : 1 (event-driven)
dr2/dt = -r2/(101*ms) : 1 (event-driven)
do1/dt = -o1/(33.7*ms) : 1 (event-driven)
do2/dt = -o2/(125*ms) : 1 (event-driven)
''', on_pre='''ge_post += w
w = clip(w - o1*(5e-3 + 7e-3*r2), 0, 0.1)
r1 += 1
r2 += 1''', on_post='''w = clip(w + r1*(6e-3 + 6.5e-3*o2), 0, 0.1)
o1 += 1
o2 += 1''')
S.connect('i != j and (i*i + 3*j) % 4 == 0')
S.w = rng.rand(len(S.i))*0.05
S.pre.delay = rng.uniform(0.2, 3, len(S.i))*ms
S.post.delay = rng.uniform(0, 1, len(S.i))*ms
M = SpikeMonitor(G)
run(300*ms)
spikes, state = [M], {'w': S.w, 'r2': S.r2, 'o2': S.o2, 'v': G.v}
""",
    "inhibitory plasticity of Vogels and Sprekeler": """
Ne, Ni, eta, alpha = 160, 40, 0.01, 0.2
G = NeuronGroup(Ne + Ni, '''
dv/dt = (gl*(-60*mV - v) + ge*(0*mV - v) + gi*(-80*mV - v) + 200*pA)/(200*pF) : volt (unless refractory)
dge/dt = -ge/(5*ms) : siemens
dgi/dt = -gi/(10*ms) : siemens
''', threshold='v > -50*mV', reset='v = -60*mV', refractory=5*ms, method='euler')
gl = 10*nS
G.v = rng.uniform(-60, -50, Ne + Ni)*mV
P, Q = G[:Ne], G[Ne:]
E = Synapses(P, G, on_pre='ge += 0.7*nS')
I = Synapses(Q, P, '''w : 1
dApre/dt = -Apre/(20*ms) : 1 (event-driven)
dApost/dt = -Apost/(20*ms) : 1 (event-driven)''', on_pre='''Apre += 1
w = clip(w + (Apost - alpha)*eta, 0, 10)
gi += w*0.5*nS''', on_post='''Apost += 1
w = clip(w + Apre*eta, 0, 10)''')
E.connect('(i*13 + j*7) % 10 == 0 and i != j')
I.connect('(i*3 + j*11) % 5 < 2')
I.w = '0.5 + 0.3*sin(i + j)'
M, N = SpikeMonitor(P), SpikeMonitor(Q)
run(200*ms)
spikes, state = [M, N], {'w': I.w, 'v': G.v, 'gi': G.gi}
""",
    "event-driven and clock-driven traces": """
lots = unique(rng.randint(0, 40*3000, 1500))
P = SpikeGeneratorGroup(40, lots % 40, (lots//40)*0.1*ms)
cells = NeuronGroup(20, 'dv/dt = -v/(10*ms) : 1', threshold='v > 1', reset='v = 0', refractory=2*ms, method='exact')
model = '''w : 1
dx/dt = -x/(15*ms) : 1 ({0})
dy/dt = -y/(25*ms) : 1 ({0})'''
both = []
for kind, target in (('event-driven', cells[:10]), ('clock-driven', cells[10:])):
    S = Synapses(P, target, model.format(kind), on_pre='''v_post += w
x += 0.02
w = clip(w - y, 0.02, 0.6)''', on_post='''y += 0.025
w = clip(w + x, 0.02, 0.6)''', method='exact')
    S.connect()
    S.w = 0.1 + 0.2*sin(arange(400))**2
    both.append(S)
M = SpikeMonitor(cells)
net = Network(P, cells, both, M)
net.run(300*ms)
spikes, state = [M], {'w': both[0].w, 'w clocked': both[1].w, 'x clocked': both[1].x, 'v': cells.v}
""",
    "reward through synapses onto synapses": """
lots = unique(rng.randint(0, 50*4000, 2500))
P = SpikeGeneratorGroup(50, lots % 50, (lots//50)*0.1*ms)
cells = NeuronGroup(5, 'dv/dt = -v/(10*ms) : 1', threshold='v > 1', reset='v = 0', method='exact')
reward = SpikeGeneratorGroup(1, zeros(6, int), array([45.1, 110.3, 180, 250.7, 300, 371.2])*ms)
S = Synapses(P, cells, '''
dc/dt = -c/(80*ms) : 1 (clock-driven)
dd/dt = -d/(30*ms) : 1 (clock-driven)
ds/dt = c*d/(20*ms) : 1 (clock-driven)
dApre/dt = -Apre/(20*ms) : 1 (event-driven)
dApost/dt = -Apost/(20*ms) : 1 (event-driven)
''', on_pre='''v_post += s
Apre += 0.1
c = clip(c + Apost, -1, 1)
s = clip(s, 0, 0.5)''', on_post='''Apost -= 0.12
c = clip(c + Apre, -1, 1)
s = clip(s, 0, 0.5)''', method='euler')
S.connect()
S.s = rng.rand(250)*0.4
R = Synapses(reward, S, on_pre='d_post += 0.1')
R.connect()
M = SpikeMonitor(cells)
run(400*ms)
spikes, state = [M], {'s': S.s, 'c': S.c, 'd': S.d, 'v': cells.v}
""",
}
