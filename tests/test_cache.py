"""The cache of compiled code under torture."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
import warnings

import pytest

import eqsnn as eq
from eqsnn.backends import cache
from eqsnn.backends.backend import backend

SCRIPT = """
import sys
import eqsnn as eq
from eqsnn import ms
eq.settings.backend = sys.argv[1]
G = eq.NeuronGroup(10, "dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0", name="cells")
M = eq.SpikeMonitor(G)
eq.Network(G, M).run(50*ms)
print(M.num_spikes, flush=True)
"""
WITHOUT_COMPILER = "import subprocess\nclass Popen:\n    def __init__(self, *a, **k): raise SystemExit('a compiler was started: %r' % (a,))\nsubprocess.Popen = Popen\n"


def run(directory, name="cython", before="", **options):
    environment = {**os.environ, "EQSNN_CACHE_DIR": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", before + SCRIPT, name],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finished(process):
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out.strip(), err


@pytest.mark.parametrize("name", ["c", "cython"])
def test_a_second_run_starts_no_compiler(tmp_path, name):
    first, _ = finished(run(tmp_path, name))
    second, _ = finished(run(tmp_path, name, WITHOUT_COMPILER))
    assert first == second != "0"


def test_compilers_end_with_a_process_that_needs_them_no_more(tmp_path):
    script = 'import eqsnn as eq, sys\neq.settings.backend = "c"\nG = eq.NeuronGroup(3, "v : 1")\nG.v = "i/20"\n'
    script += "from eqsnn.backends.c.build import start_engine\nprint(start_engine().process.pid)"
    command = [sys.executable, "-W", "error", "-c", script]
    environment = {**os.environ, "EQSNN_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "" and not list((tmp_path / "tmp").iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


INTERRUPTED = """
import os, signal, sys
import eqsnn as eq
from eqsnn import ms
from eqsnn.backends.c.build import start_engine
eq.settings.backend = "c"
G = eq.NeuronGroup(10, "dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0")
G.v = "i/20"
job = start_engine()
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    os.killpg(0, signal.SIGINT)  # what a terminal sends
    job.process.wait()
except KeyboardInterrupt:
    pass
eq.Network(G).run(1*ms)
print("ran", job.process is None)
"""


@pytest.mark.skipif(os.name != "posix", reason="this system has no process groups")
def test_ctrl_c_does_not_end_the_compilers(tmp_path):
    environment = {**os.environ, "EQSNN_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, start_new_session=True)
    assert done.stdout == "ran True\n", done.stderr


FORKED = """
import os, sys
import eqsnn as eq
from eqsnn import ms
eq.settings.backend = sys.argv[1]
G = eq.NeuronGroup(10, "dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0")
G.v = "i/20"  # compilers begin
M = eq.SpikeMonitor(G)
child = os.fork()
eq.Network(G, M).run(50*ms)
if child:
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(M.num_spikes, flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("name", ["c", "cython"])
def test_a_process_that_was_forked_while_compilers_ran_has_its_own(tmp_path, name):
    environment = {**os.environ, "EQSNN_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", FORKED, name], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.split()
    assert first == second != "0"


ONLY_WHEN_MADE = {
    "sympy", "mpmath", "Cython", "lark", "jinja2", "markupsafe", "scipy", "importlib.metadata", "eqsnn.language.reader",
    "eqsnn.integrators.discretise", "eqsnn.kernel.lower", "eqsnn.backends.printer",
}  # fmt: skip
"""What a run needs only where something must be parsed, derived or rendered."""


@pytest.mark.parametrize("name", ["c", "cython", "numpy"])
def test_a_second_run_imports_nothing_that_parses_derives_or_renders(tmp_path, name):
    script = f"import sys, atexit\natexit.register(lambda: print(sorted({ONLY_WHEN_MADE!r} & set(sys.modules)), file=sys.stderr))\n"
    _, err = finished(run(tmp_path, name, script))
    assert "sympy" in err.strip().splitlines()[-1]
    _, err = finished(run(tmp_path, name, script))
    assert err.strip().splitlines()[-1] == "[]"


WITHOUT_CYTHON = "import sys\nsys.modules['Cython'] = sys.modules['cython'] = None\nimport subprocess\nclass Popen(subprocess.Popen):\n    def __init__(self, args, *a, **k):\n        print(args, file=sys.stderr)\n        super().__init__(args, *a, **k)\nsubprocess.Popen = Popen\n"


def test_a_first_run_starts_the_compiler_and_never_cython(tmp_path):
    _, err = finished(run(tmp_path, "cython", WITHOUT_CYTHON))
    assert "engine.c" in err and "door.c" in err and "kernels.c" in err and "'-m', 'cython'" not in err


def test_where_its_translation_is_not_for_this_python_the_door_is_translated(tmp_path):
    other = "from eqsnn.backends.cython import translate\ntranslate.KNOWN = ()\n"
    expected, _ = finished(run(tmp_path / "known"))
    found, err = finished(run(tmp_path / "other", "cython", WITHOUT_CYTHON + other))
    assert found == expected and "'-m', 'cython'" in err
    assert finished(run(tmp_path / "other", "cython", WITHOUT_COMPILER + other))[0] == expected


def test_the_translation_of_the_door_is_that_of_its_text():
    import Cython

    from eqsnn.backends.cython import translate

    remedy = "door.pyx or Cython has changed: run python -m eqsnn.backends.cython.translate"
    shipped = translate.translated()
    assert shipped.splitlines()[0] == translate.heading(), remedy
    if f"Generated by Cython {Cython.__version__} " in shipped:
        assert shipped == translate.text(), remedy


def test_32_cold_processes_at_once(tmp_path):
    processes = [run(tmp_path, "c") for _ in range(32)]
    results = {finished(p)[0] for p in processes}
    assert len(results) == 1 and results != {"0"}
    assert not list((tmp_path / "tmp").iterdir())


def test_kill_during_a_build_leaves_a_cache_that_works(tmp_path):
    for delay in (0.5, 1.0, 1.5):
        process = run(tmp_path, start_new_session=True)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert finished(run(tmp_path))[0] != "0"


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
@pytest.mark.parametrize("suffix", [".so", ".json", ".o"])
def test_damaged_entries_are_built_anew_with_one_warning(tmp_path, damage, suffix):
    good, _ = finished(run(tmp_path))
    damaged = list(tmp_path.glob(f"??/*{suffix}"))
    assert damaged
    for path in damaged:
        data = path.read_bytes()
        middle = len(data) // 2
        path.write_bytes(
            {
                "truncate": data[:middle],
                "flip": data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :],
                "empty": b"",
            }[damage]
        )
    if suffix == ".o":  # an object is needed only where its library is missing
        for path in tmp_path.glob("??/*.so"):
            path.unlink()
    again, err = finished(run(tmp_path))
    assert again == good
    assert err.count("CacheWarning") == 1
    _, err = finished(run(tmp_path))
    assert "CacheWarning" not in err


def test_a_directory_that_others_can_write_to_is_refused(tmp_path, monkeypatch):
    tmp_path.chmod(0o777)
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    with pytest.raises(eq.EqsnnError, match=r"others can write to the cache directory .*chmod 700"):
        cache.directory()


def test_a_new_directory_is_for_the_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path / "new" / "cache"))
    assert stat.S_IMODE(cache.directory().stat().st_mode) == 0o700


def test_a_process_goes_on_after_its_cache_was_cleared(tmp_path):
    script = """
        import eqsnn.brian as b2
        for k in (1, 2):
            G = b2.NeuronGroup(1, f"dv/dt = {k}/ms : 1", method="euler")
            b2.Network(G).run(1*b2.ms)
            b2.clear_cache("cython")
            print(round(G.v[0], 6))
    """
    environment = {**os.environ, "EQSNN_CACHE_DIR": str(tmp_path), "EQSNN_BACKEND": "cython"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["1.0", "2.0"], done.stderr


def test_the_cache_is_capped_and_can_be_cleared(tmp_path, monkeypatch):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LIMIT", 2500)
    for k in range(5):
        folder = cache.workspace()
        (folder / "x").write_bytes(bytes([k]) * 1000)
        path = cache.store(cache.key_of(str(k)), ".bin", folder / "x")
        os.utime(path, (k, k))
    assert len(cache.entries()) == 2
    assert cache.find(cache.key_of("4"), ".bin") is not None
    assert cache.clear() == 2 and not cache.entries()


def test_the_whole_cache_is_looked_at_once_for_many_small_entries(tmp_path, monkeypatch):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LIMIT", 64_000)
    monkeypatch.setattr(cache, "_stored_since_shrinking", 0)
    looked = []
    monkeypatch.setattr(cache, "_shrink", lambda keep: looked.append(keep))
    for k in range(25):
        cache.store_text(cache.key_of(str(k)), ".txt", "x" * 100)
    assert len(looked) == 2  # after 1,000 and 2,000 bytes


def test_the_key_knows_its_parts():
    assert cache.key_of("a", "bc") != cache.key_of("ab", "c")


def test_nothing_is_warned_of_in_good_order(tmp_path, monkeypatch):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        G = eq.NeuronGroup(1, "dv/dt = -v/(11*ms) : 1")
        eq.Network(G).run(1 * eq.ms)
    assert backend("c").name == "c"


def test_a_directory_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    (tmp_path / "tmp").write_text("in the way of the directory of this name")
    eq.settings.backend = "numpy"
    G = eq.NeuronGroup(1, "dv/dt = -v/(13*ms) : 1")
    with pytest.raises(
        eq.EqsnnError, match=r"the cache directory .* cannot be written to \(File exists\); .* set EQSNN_CACHE_DIR"
    ):
        eq.Network(G).run(1 * eq.ms)


def test_another_compiler_behind_the_same_name_is_asked_for_its_version(tmp_path, monkeypatch):
    from eqsnn.backends import compiler

    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path / "cache"))
    program = tmp_path / "mycc"
    monkeypatch.setenv("CC", str(program))
    for version in ("one", "number two"):
        program.write_text(f"#!/bin/sh\necho {version}\necho asked >> {tmp_path}/asked\n")
        program.chmod(0o755)
        for _ in range(2):
            compiler._compiler.cache_clear()
            assert compiler.compiler().version == f"{version}\n"
    compiler._compiler.cache_clear()
    assert (tmp_path / "asked").read_text().count("asked") == 2


def test_a_text_is_remembered_once_a_kernel_came_of_it(tmp_path, monkeypatch):
    from eqsnn.language import parse

    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    text = "dv/dt = (1.25 - v)/(19*ms) + -v**2/(2*ms) : 1 (unless refractory)  # \udc80\nw, u : volt (constant)"
    parsed = parse.parse(text)
    assert parse.memory.find("equations", text, "equations") is None and not cache.entries()
    parse.memory.flush()
    again = parse.memory.find("equations", text, "equations")
    assert again == parsed and repr(again) == repr(parsed) and again.text == parsed.text
    spans = [(d.span, d.name_span, d.flag_spans) for d in again.definitions]
    assert spans == [(d.span, d.name_span, d.flag_spans) for d in parsed.definitions]
    assert again.definitions[0].rhs.span == parsed.definitions[0].rhs.span
    assert parse.memory.find("equations", text, "other") is parse.memory.find("statements", text, "equations") is None


def test_missing_headers_of_python_are_named_and_looked_for_again(tmp_path, monkeypatch):
    import sysconfig

    from eqsnn.backends.cython import door

    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(door, "_door", None)
    network = eq.Network(eq.NeuronGroup(1, "dv/dt = -v/(17*ms) : 1", method="exact"))
    with monkeypatch.context() as without:
        without.setattr(sysconfig, "get_paths", lambda: {"include": str(tmp_path / "nothing")})
        for _ in range(2):
            with pytest.raises(
                eq.CompileError, match=r"the headers of Python are missing .*python3-dev.*backend = 'c'"
            ):
                network.run(1 * eq.ms)
    network.run(1 * eq.ms)
    assert network.t == 1 * eq.ms


def test_what_killed_processes_left_is_swept_after_a_day(tmp_path, monkeypatch):
    monkeypatch.setenv("EQSNN_CACHE_DIR", str(tmp_path))
    (tmp_path / "tmp" / "build").mkdir(parents=True)
    for name in ("build/engine.c", "text", "fresh"):
        (tmp_path / "tmp" / name).write_text("left")
    for name in ("build", "text"):
        os.utime(tmp_path / "tmp" / name, (1, 1))
    cache.store_text(cache.key_of("x"), ".txt", "kept")
    assert [p.name for p in (tmp_path / "tmp").iterdir()] == ["fresh"]
