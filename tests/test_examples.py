"""Every example runs headless, says what it should, and saves a figure that is not empty."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SHORT = {
    "cuba": (["--duration", "0.1", "--neurons", "1000"], r"rate of the excitatory population: [\d.]+ Hz"),
    "cobahh": (["--duration", "0.05", "--neurons", "400"], r"\d+ spikes, mean rate"),
    "brunel2000": (["--duration", "0.05", "--scale", "0.1"], r"synapses, mean rate [\d.]+ Hz"),
    "stdp_song2000": (["--duration", "2"], r"of the weights lie near"),
    "izhikevich2003": (["--duration", "0.2"], r"mean rate [\d.]+ Hz"),
    "adex_patterns": ([], r"tonic: 47 spikes, adaptation: 10 .* delayed accelerating: 32 spikes, transient: 1 spikes"),
    "adaptive_threshold": ([], r"jump 0 mV: 42 spikes, jump 1 mV: 25 spikes, jump 3 mV: 16 spikes"),
    "ornstein_uhlenbeck": (["--duration", "0.2"], r"standard deviation (2\.9|3\.[01])"),
    "short_term_plasticity": ([], r"depressing: spike 20 releases 0.0574, .*\nfacilitating: spike 20 releases 0.212"),
    "hodgkin_huxley_fi": (["--currents", "31"], r"repetitive firing from 7.0 uA/cm2 at 5\d Hz to 98 Hz"),
    "spike_frequency_adaptation": ([], r"onset 60 Hz, steady 43 Hz, unadapted 63 Hz"),
    "homeostatic_stdp": ([], r"at the end: 4\.\d to [56]\.\d Hz"),
    "jeffress": (
        ["--duration", "0.5"],
        r"-0.30 ms: read as -0.(2[89]|3\d) ms\n.*read as [+-]0.0[0-3] ms\n.*read as \+0.(1[789]|2[012]) ms",
    ),
    "fi_sweep": (
        ["--points", "4", "--repeat", "2", "--duration", "0.2", "--jobs", "2"],
        r"without noise: 0.00 Hz; with 3. mV: \d",
    ),
    "microcircuit": (
        ["--scale", "0.03", "--duration", "0.1"],
        r"268,\d{3} synapses\n(.*\n)*L6I +[\d.]+ Hz +published 7.52 Hz",
    ),
    "export_c": (["--duration", "0.1", "--neurons", "1000"], r"\d+ spikes alone, \d+ in Python: the same, bit by bit"),
    "train_online_fptt": (
        ["--steps", "20", "--updates", "80", "--parts", "4"],
        r"update   80: mean squared error 0.0[0-9]\d\d",
    ),
    "reward_modulated_stdp": (["--trials", "120"], r"before the exchange: (8[5-9]|9\d|100)%"),
    "eprop_pattern": (
        ["--iterations", "40", "--neurons", "60", "--rules", "symmetric", "adaptive", "bptt"],
        r"symmetric: mean squared error 0.2\d\d before, 0.1[5-9]\d+ after 40(.*\n)*bptt: .* 0.1[5-9]\d+ after",
    ),
    "fit_neuron_parameters": (
        [],
        r"C +150. pF -> (19[5-9]|20[0-5])[\d.]+ pF(.*\n)*fitted: (29|3\d) spikes, 2\d of the neuron's 31 met within 2 ms",
    ),
    "gap_junctions": ([], r"irregularity of the group's spikes without"),
}
DATA = Path(__file__).parent.parent.parent / "shared" / "data"
ECG = DATA / "qtdb" / "QTDB_test.mat"
DIGITS = DATA / "fsdd" / "jackson.npz"


def run(name, arguments, tmp_path):
    figure = tmp_path / "figure.png"
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments, "--out", str(figure)]
    environment = {**os.environ, "MPLBACKEND": "Agg", "EQSNN_BACKEND": "c"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    import matplotlib.image

    pixels = matplotlib.image.imread(figure)
    assert pixels.shape[0] > 400 and pixels.std() > 0.02
    return done.stdout


def test_every_example_is_tried():
    assert {p.stem for p in EXAMPLES.glob("*.py")} == {
        *SHORT,
        "ecg_population",
        "spoken_digit",
        "cuda_kernels",
        "train_ecg",
        "torch_layer",
        "train_smnist",
        "spoken_digits",
    }


@pytest.mark.parametrize("name", SHORT)
def test_example(name, tmp_path):
    arguments, expected = SHORT[name]
    out = run(name, arguments, tmp_path)
    assert re.search(expected, out), out


def test_the_example_of_export_for_a_gpu(tmp_path):
    arguments = ["--duration", "0.02", "--neurons", "500", "--language", "cuda"]
    assert re.search(
        r"[1-9]\d+ spikes alone, \d+ in Python: the same, bit by bit", run("export_c", arguments, tmp_path)
    )


def test_the_example_of_cuda_kernels(tmp_path):
    command = [sys.executable, str(EXAMPLES / "cuda_kernels.py"), "--out", str(tmp_path / "kernels.cu")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d{3} spikes; those of the CUDA text on the CPU are the same, bit by bit", done.stdout)
    assert "__global__ void eqk_synapses_1_pre(" in (tmp_path / "kernels.cu").read_text()


def test_the_example_of_neurons_in_a_torch_network(tmp_path):
    pytest.importorskip("torch", reason="the example is a PyTorch network; pip install 'eqsnn[torch]'")
    out = run("torch_layer", ["--epochs", "20"], tmp_path)
    assert float(re.search(r"epoch 20: loss [\d.]+, test accuracy ([\d.]+)", out)[1]) > 0.8
    low, high = map(float, re.search(r"now ([\d.]+) to ([\d.]+) ms", out).groups())
    assert 2 <= low < high and (low, high) != (10, 10)  # they were trained


def test_the_example_of_handwritten_digits(tmp_path):
    """Whether stripes lie or stand is learnt in a few updates."""
    import numpy as np

    rng = np.random.default_rng(0)
    for name, n in (("train_0", 320), ("test", 64)):
        y = rng.integers(0, 2, n)
        x = rng.integers(0, 60, (n, 28, 28), dtype=np.uint8)
        stripes = np.where(np.arange(28) // 4 % 2, 190, 0).astype(np.uint8)
        x += np.where(y[:, None, None], stripes, stripes[:, None])
        np.savez(tmp_path / f"{name}.npz", x=x, y=y.astype(np.uint8))
    out = run(
        "train_smnist", ["--epochs", "4", "--rate", "0.01", "--width", "64", "--batch", "16", str(tmp_path)], tmp_path
    )
    assert float(re.search(r"test: ([\d.]+) of 64 images", out)[1]) > 0.9


def test_without_torch_the_example_says_how_to_install_it(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('No module named torch')")
    command = [sys.executable, str(EXAMPLES / "torch_layer.py")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), *filter(None, sys.path)))}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode != 0
    assert "pip install 'eqsnn[torch]'" in done.stderr and "No module named torch" in done.stderr


def ecg_file(tmp_path):
    """The recording, or one of its shape where it is not at hand: the example is tried in both cases."""
    if ECG.is_file():
        return ECG
    import numpy as np
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    x = (rng.random((2, 1301, 4)) < 0.08).astype(np.int16)
    y = np.eye(6, dtype=np.uint8)[(np.arange(1301) // 40) % 6][None].repeat(2, axis=0)
    savemat(tmp_path / "ecg.mat", {"x": x, "y": y})
    return tmp_path / "ecg.mat"


def test_the_example_with_a_recording(tmp_path):
    out = run("ecg_population", [str(ecg_file(tmp_path))], tmp_path)
    events, spikes = map(int, re.search(r"(\d+) events of the ECG, (\d+) spikes", out).groups())
    assert events > 100 and spikes > 20


def digits_file(tmp_path):
    """A speaker's file, or one vowel-like sound of its shape where it is not at hand."""
    if DIGITS.is_file():
        return DIGITS
    import numpy as np

    t = np.arange(3200) / 8000
    wave = sum(np.sin(2 * np.pi * 120 * k * t) * np.exp(-(((120 * k - 700) / 200) ** 2)) for k in range(1, 30)) / 4
    level = np.sign(wave) * np.log(1 + 255 * np.abs(wave)) / np.log(256)
    mulaw = np.round((level + 1) * 127.5).astype(np.uint8)
    np.savez(tmp_path / "speaker.npz", mulaw=mulaw, offset=[0, 3200], digit=np.uint8([7]), index=np.uint8([0]))
    return tmp_path / "speaker.npz"


def test_the_example_with_a_spoken_digit(tmp_path):
    out = run("spoken_digit", [str(digits_file(tmp_path))], tmp_path)
    loudest, spikes = map(int, re.search(r"most power at (\d+) Hz, (\d+) spikes", out).groups())
    assert 550 < loudest < 850 and spikes > 300  # the first formant of the vowel


def test_the_example_that_understands_digits(tmp_path):
    """Two vowels are told from each other after a few epochs."""
    import numpy as np

    rng = np.random.default_rng(0)
    sounds, digit, index = [], [], []
    for take in range(16):
        for d, formant in ((0, 500), (1, 1500)):
            t = np.arange(rng.integers(900, 1300)) / 8000
            pitch = rng.uniform(100, 140)
            parts = [
                np.sin(2 * np.pi * pitch * k * t) * np.exp(-(((pitch * k - formant) / 200) ** 2)) for k in range(1, 30)
            ]
            wave = sum(parts) / np.abs(sum(parts)).max()
            sounds.append(np.sign(wave) * np.log(1 + 255 * np.abs(wave)) / np.log(256))
            digit, index = [*digit, d], [*index, take]
    mulaw = np.round((np.concatenate(sounds) + 1) * 127.5).astype(np.uint8)
    offset = np.concatenate([[0], np.cumsum([len(s) for s in sounds])])
    np.savez(tmp_path / "speaker.npz", mulaw=mulaw, offset=offset, digit=np.uint8(digit), index=np.uint8(index))
    out = run(
        "spoken_digits", ["--epochs", "12", "--batch", "2", "--rate", "0.005", "--width", "32", str(tmp_path)], tmp_path
    )
    assert re.search(r"32 recordings, \d+\.\d spikes a second and fibre\nepoch  1 of 12: loss \d", out), out
    assert float(re.search(r"test: ([\d.]+) of 10 recordings", out)[1]) > 0.8


def test_the_first_network_of_the_readme_runs():
    import matplotlib

    matplotlib.use("Agg")
    text = (EXAMPLES.parent / "README.md").read_text()
    script = re.search(r"```python\n(.*?)```", text, re.S)[1]
    space = {"__name__": "readme"}
    exec(script, space)
    assert space["M"].num_spikes > 100


def test_the_readme_names_the_commands_that_ci_runs():
    text = (EXAMPLES.parent / "README.md").read_text()
    ci = (EXAMPLES.parent / ".ci" / "run").read_text()
    install, test = "pip install -e '.[test,plot]'", "python -m pytest"
    assert f"{install} && {test}" in text
    # On lines of their own: under 'set -e' a failure on the left of && would go unnoticed.
    assert {install.replace("install", "install -q"), test} <= set(ci.splitlines())


def test_the_files_that_the_documents_link_to_exist():
    root = EXAMPLES.parent
    for document in (*root.glob("*.md"), *root.glob("docs/**/*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name} links to {target}, which does not exist"


@pytest.mark.skipif(not ECG.exists(), reason="the ECG data are not here")
def test_a_network_is_trained(tmp_path):
    out = run("train_ecg", ["--epochs", "2", "--samples", "64", str(ECG.parent)], tmp_path)
    assert re.search(
        r"epoch   2: loss 1\.\d+, accuracy 0\.\d+, rate 0\.\d+ a step\ntest: 0\.\d{4} of the steps of 141 recordings",
        out,
    )
