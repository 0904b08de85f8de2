"""Writes golden/functions.json: what Brian 2 gives for functions and operators. Run it with a Python that has Brian 2 (2.11):

python tests/golden_functions.py
"""

import json
from pathlib import Path

# (expression, unit): over u = (i - 2.5)*1.1, the integer k = i - 3 and the boolean b = i > 2 of six elements
EXPRESSIONS = [
    *[(f"{f}(u)", "1") for f in ("exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arctan", "expm1", "exprel", "ceil", "floor", "sign", "abs")],
    *[(f"{f}(u/3)", "1") for f in ("arcsin", "arccos")],
    *[(f"{f}(abs(u) + 1)", "1") for f in ("log", "log10", "log1p", "sqrt")],
    ("clip(u, -1, 1)", "1"),
    ("clip(k, -1, 1)", "integer"),
    ("int(u)", "integer"),
    ("int(u > 0)*u + int(u <= 0)*2", "1"),
    ("int(b) + 1", "1"),
    ("abs(k)", "integer"),
    ("sign(k)", "integer"),
    ("exprel(k)", "1"),
    ("k/2", "1"),
    ("k//2", "integer"),
    ("k//2.5", "1"),
    ("u//1", "1"),
    ("u % 1", "1"),
    ("u % -1.5", "1"),
    ("k % 3", "integer"),
    ("k % -3", "integer"),
    ("k % 2.5", "1"),
    ("7 % -3", "1"),
    ("-7 // 2", "1"),
    ("1/3", "1"),
    ("3//2", "1"),
    ("k**2", "integer"),
    ("-k**2", "integer"),
    ("k**3 - 2*k", "integer"),
    ("2**0.5*u", "1"),
    ("abs(u)**k", "1"),
    ("u**3", "1"),
    ("u**-2", "1"),
    ("2.0**-k", "1"),
    ("timestep(u*ms, dt)", "integer"),
    ("b and u > 0", "boolean"),
    ("b or not u > -2", "boolean"),
    ("b == (k > 0)", "boolean"),
    ("u != k", "boolean"),
    ("k >= 0 and k < 2", "boolean"),
    ("e**u + pi", "1"),
    ("exp(-u**2/2)/sqrt(2*pi)", "1"),
    ("i*N", "1"),
    ("floor(3.7*mV/mV)*u", "1"),
    ("ceil(k/2) + floor(k/2)", "1"),
]  # fmt: skip


def values_in_brian() -> dict:
    """The value of each expression."""
    import logging

    import brian2 as b2
    import numpy as np

    logging.disable(logging.CRITICAL)
    found = {}
    for k, (text, unit) in enumerate(EXPRESSIONS):
        G = b2.NeuronGroup(6, f"x = {text} : {unit}\nu : 1\nk : integer\nb : boolean", name=f"g{k}")
        G.u, G.k, G.b = "(i - 2.5)*1.1", "i - 3", "i > 2"
        found[f"{text} : {unit}"] = np.broadcast_to(np.asarray(G.x[:]), 6).tolist()
    return found


if __name__ == "__main__":
    path = Path(__file__).parent / "golden" / "functions.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(values_in_brian(), indent=1) + "\n")
