"""store and restore: what follows a restored state is what followed the stored one, bit by bit, in another process too."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import checkpoint_script as script

import eqsnn as eq
from eqsnn import ms


def in_new_process(*arguments):
    done = subprocess.run(
        [sys.executable, script.__file__, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("first, second", [("c", "c"), ("c", "numpy"), ("numpy", "c")])
def test_a_checkpoint_goes_on_in_a_new_process_bit_by_bit(tmp_path, first, second):
    file = tmp_path / "state.zip"
    whole = in_new_process(file, "whole", "c")
    assert int(whole.split()[0]) > 50
    in_new_process(file, "store", first)
    assert in_new_process(file, "continue", second) == whole


def test_a_checkpoint_goes_on_with_another_number_of_threads_and_in_many_blocks(tmp_path):
    eq.settings.neurons_per_block, eq.settings.synapses_per_block = 16, 64
    outcomes = []
    for threads in (1, 3):
        eq.settings.backend, eq.settings.threads = "c", threads
        network = script.build()
        network.run(50 * ms)
        network.store("half", tmp_path / "state.zip")
        network.run(50 * ms)
        outcomes.append(script.outcome(network))
        again = script.build()
        again.restore("half", tmp_path / "state.zip", restore_random_state=True)
        again.run(50 * ms)
        outcomes.append(script.outcome(again))
    assert len(set(outcomes)) == 1


def test_trials_differ_unless_the_random_state_is_restored():
    eq.settings.backend = "c"
    network = script.build()
    network.run(20 * ms)
    network.store()
    outcomes = []
    for random in (True, True, False, False):
        network.restore(restore_random_state=random)
        assert network.t == 20 * ms and eq.defaultclock.t == 20 * ms
        assert network["spikes"].t_.max(initial=0) < 0.02
        network.run(20 * ms)
        outcomes.append(script.outcome(network))
    assert outcomes[0] == outcomes[1]
    assert len(set(outcomes)) == 3


def test_several_names_in_memory_and_in_one_file(tmp_path):
    G = eq.NeuronGroup(1, "dv/dt = 1/ms : 1", method="euler", name="cells")
    network, file = eq.Network(G), tmp_path / "several.zip"
    for name in ("first", "second"):
        network.run(1 * ms)
        network.store(name)
        network.store(name, file)
    network.run(5 * ms)
    for source in (None, file):
        for name, value in (("first", 1), ("second", 2)):
            network.restore(name, source)
            assert network.t == value * ms and G.v[0] == pytest.approx(value) and G.t == value * ms
    with zipfile.ZipFile(file) as z:
        assert {Path(n).suffix for n in z.namelist()} == {".json", ".npy"}
        assert list(json.loads(z.read("checkpoint.json"))["snapshots"]) == ["first", "second"]
    network.store("second", file)  # replaces
    with pytest.raises(eq.EqsnnError, match="has no snapshot 'third'; it has 'first', 'second'"):
        network.restore("third", file)
    with pytest.raises(eq.EqsnnError, match="nothing was stored under 'third'; there is 'first', 'second'"):
        network.restore("third")


def test_magic_store_and_restore_as_in_the_documentation_of_brian():
    G = eq.NeuronGroup(1, "dv/dt = a/ms : 1\na : 1 (shared)", method="euler", name="cells")
    G.a = 1
    eq.store("initialized")
    for _ in range(3):
        eq.restore("initialized")
        assert G.v[0] == 0
        eq.run(1 * ms)
        eq.store("after_learning")
        for test in range(3):
            eq.restore("after_learning")
            G.a = test
            monitor = eq.StateMonitor(G, "v", record=0)
            eq.run(1 * ms)
            assert G.v[0] == pytest.approx(1 + test)
            assert monitor.t[0] == 1 * ms and eq.magic_network.t == 2 * ms


def test_a_monitor_that_records_to_a_file_goes_on_with_it(tmp_path):
    G = eq.NeuronGroup(2, "dv/dt = 1/ms : 1", method="euler")
    M = eq.StateMonitor(G, "v", record=True, file=tmp_path / "trace.npy")
    network = eq.Network(G, M)
    network.run(1 * ms)
    network.store(filename=tmp_path / "state.zip")
    network.run(1 * ms)
    network.restore(filename=tmp_path / "state.zip")
    assert M.v.shape == (2, 10)
    network.run(2 * ms)
    np.testing.assert_allclose(np.load(tmp_path / "trace.npy")[:, 1], np.arange(30) / 10, atol=1e-12)
    np.testing.assert_allclose(M.t / ms, np.arange(30) / 10)


def test_dt_and_connectivity_come_back():
    G = eq.NeuronGroup(3, "v : 1", threshold="v > 1", name="cells")
    S = eq.Synapses(G, G, "w : 1", on_pre="v_post += w", name="links")
    S.connect(i=[2, 0], j=[1, 1])
    S.w, S.delay = [1, 2], [3, 4] * ms
    network = eq.Network(G, S)
    network.store()
    S.connect(i=[1], j=[1])
    S.w, S.delay = 7, 1 * ms
    eq.defaultclock.dt = 0.5 * ms
    network.restore()
    assert eq.defaultclock.dt == 0.1 * ms
    assert (S.i[:].tolist(), S.j[:].tolist(), S.w[:].tolist()) == ([2, 0], [1, 1], [1, 2])
    np.testing.assert_allclose(S.delay / ms, [3, 4])


def _pair(n=2, name="cells", **options):
    G = eq.NeuronGroup(n, options.pop("model", "v : 1"), threshold="v > 1", name=name)
    S = eq.Synapses(G, G, options.pop("synapse", "w : 1"), name="links", **{"on_pre": "v_post += w", **options})
    S.connect()
    return eq.Network(G, S)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (dict(name="others"), "'others' is in the network and was not stored; the snapshot has cells, links"),
        (dict(n=3), "'cells' is not the object that was stored: 'v' has 3 values, and 2 were stored"),
        (
            dict(model="u : 1\nv : 1"),
            "'cells' is not the object that was stored: its variables are u, v, and v were stored",
        ),
        (
            dict(model="v : integer"),
            "'cells' is not the object that was stored: what was stored as 'variables/v' has another type",
        ),
        (
            dict(on_pre={"up": "v_post += w"}),
            "'links' is not the object that was stored: its pathways are up, and pre were stored",
        ),
    ],
)
def test_a_network_that_differs_is_refused_by_name_and_left_alone(other, message, tmp_path):
    file = tmp_path / "state.zip"
    first = _pair()
    first["cells"].v = 0.5
    first.store(filename=file)
    second = _pair(**other)
    before = {o.name: {n: a.copy() for n, a in o.arrays.items()} for o in second}
    with pytest.raises(eq.EqsnnError) as caught:
        second.restore(filename=file)
    assert str(caught.value) == f"restore(): {message}"
    assert all(np.array_equal(a, second[o].arrays[n]) for o, arrays in before.items() for n, a in arrays.items())


def test_an_object_that_is_missing_is_named():
    network = _pair()
    network.store()
    network.remove(network["links"])
    with pytest.raises(
        eq.EqsnnError, match=r"'links' \(Synapses\) was stored and is not in the network, which has cells"
    ):
        network.restore()


def _stored(tmp_path):
    file = tmp_path / "state.zip"
    network = _pair()
    network["links"].delay = [1, 2, 3, 4] * ms
    network.store(filename=file)
    return network, file


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1])
def test_a_truncated_file_is_refused(tmp_path, keep):
    network, file = _stored(tmp_path)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(eq.EqsnnError, match="no whole checkpoint of eqsnn"):
        network.restore(filename=file)


def test_a_file_of_another_kind_is_not_overwritten(tmp_path):
    network, file = _stored(tmp_path)
    file.write_bytes(b"a file that Brian 2 has stored")
    with pytest.raises(eq.EqsnnError, match=r"it is not overwritten: delete it, or store under another name"):
        network.store(filename=file)
    assert file.read_bytes() == b"a file that Brian 2 has stored"


def test_every_flipped_byte_is_refused_or_harmless(tmp_path):
    network, file = _stored(tmp_path)
    data = bytearray(file.read_bytes())
    refused = 0
    for at in range(0, len(data), 7):
        data[at] ^= 0x55
        file.write_bytes(data)
        data[at] ^= 0x55
        try:
            network.restore(filename=file)
        except eq.EqsnnError:
            refused += 1
    assert refused > 0.6 * len(range(0, len(data), 7))


def _rewritten(file, change, compress=zipfile.ZIP_STORED):
    """The file with its members changed by ``change(name, data)``."""
    with zipfile.ZipFile(file) as z:
        members = {n: z.read(n) for n in z.namelist()}
    with zipfile.ZipFile(file, "w", compress) as z:
        for name, data in members.items():
            z.writestr(name, change(name, data))


def _npy(array, pickle=False):
    import io

    data = io.BytesIO()
    np.save(data, array, allow_pickle=pickle)
    return data.getvalue()


class Attack:
    """Unpickling it leaves a trace."""

    def __reduce__(self):
        return (open, ("/tmp/eqsnn-attack", "w"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pickle", "no list of numbers"),
        ("bomb", "its header says"),
        ("compressed", "is compressed"),
        (
            "outside",
            "'links' is not the object that was stored: its stored synapses lead outside its groups of 2 and 2",
        ),
        ("delay", "'links' is not the object that was stored: the stored delays of its pathway 'pre' are no delays"),
        ("version", "version 99 of the format"),
        ("json", "no whole checkpoint"),
    ],
)
def test_a_hostile_file_is_refused(tmp_path, name, message):
    network, file = _stored(tmp_path)
    with zipfile.ZipFile(file) as z:
        arrays = json.loads(z.read("checkpoint.json"))["snapshots"]["default"]["objects"]["links"]["arrays"]
    Path("/tmp/eqsnn-attack").unlink(missing_ok=True)

    def change(member, data):
        if member == arrays["j"]:
            if name == "pickle":
                return _npy(np.array([Attack()], object), pickle=True)
            if name == "bomb":
                return data.replace(b"(4,)", b"(4000000000,)")
            if name == "outside":
                return _npy(np.array([0, 1, 0, 1_000_000]))
        if name == "delay" and member == arrays["delay/pre"]:
            return _npy(np.array([1e-3, 1, float("nan"), 1]))
        if member == "checkpoint.json":
            return {"version": data.replace(b'"version": 1', b'"version": 99'), "json": b"{" * 100_000}.get(name, data)
        return data

    _rewritten(file, change, zipfile.ZIP_DEFLATED if name == "compressed" else zipfile.ZIP_STORED)
    with pytest.raises(eq.EqsnnError, match=message):
        network.restore(filename=file)
    assert not Path("/tmp/eqsnn-attack").exists()


def test_no_file_and_no_room_for_one(tmp_path):
    network = _pair()
    with pytest.raises(eq.EqsnnError, match="there is no file"):
        network.restore(filename=tmp_path / "none.zip")
    with pytest.raises(eq.EqsnnError, match="cannot be written"):
        network.store(filename=tmp_path / "missing" / "state.zip")
