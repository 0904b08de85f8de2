"""The face of the trainer: files that resume bit by bit, early stopping, reports, the history, and what it accepts as samples."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import eqsnn as eq
from eqsnn import ms

sys.path.insert(0, str(Path(__file__).parent))

import training_script
from training_script import data, made, state


@pytest.fixture(autouse=True)
def one_millisecond():
    before = eq.defaultclock.dt
    eq.defaultclock.dt = 1 * ms
    yield
    eq.defaultclock.dt = before


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


# -- files ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["bptt", "fptt", "adaptive"])
def test_a_training_is_taken_up_again_in_another_process(method, tmp_path):
    script, file = Path(training_script.__file__), tmp_path / "training.zip"
    for part in ("whole", "first", "second"):
        command = [sys.executable, str(script), method, part, str(file), str(tmp_path / f"{part}.npz")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    whole, second = (dict(np.load(tmp_path / f"{part}.npz")) for part in ("whole", "second"))
    same(whole, second)
    assert len(whole["history loss"]) == 5
    assert not np.array_equal(whole["w_rec.w"], np.load(tmp_path / "first.npz")["w_rec.w"])


def test_a_loaded_network_has_the_trained_values_and_those_that_rest(tmp_path):
    x, y = data()
    one = made()
    one.fit(x, y, epochs=2)
    one.save(tmp_path / "t.zip")
    other = made(seed=5)
    other.load(str(tmp_path / "t.zip"))
    hidden, theirs = (next(g for g in t.network.groups if g.name == "hidden") for t in (one, other))
    np.testing.assert_array_equal(hidden.tau[:], theirs.tau[:])
    np.testing.assert_array_equal(hidden.tau_b[:], theirs.tau_b[:])  # random, and not trained
    assert other.epoch == 2 and other.history.columns == one.history.columns
    same(state(one), state(other))


def test_a_file_holds_no_pickle_and_is_replaced_when_the_new_one_is_complete(tmp_path, monkeypatch):
    trainer = made()
    trainer.save(tmp_path / "t.zip")
    with zipfile.ZipFile(tmp_path / "t.zip") as file:
        assert {Path(n).suffix for n in file.namelist()} == {".npy", ".json"}
        assert json.loads(file.read("training.json"))["format"] == "eqsnn training"
    before = (tmp_path / "t.zip").read_bytes()
    monkeypatch.setattr(json, "dumps", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        trainer.save(tmp_path / "t.zip")
    assert (tmp_path / "t.zip").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def altered(path, change):
    """The file with its JSON changed."""
    with zipfile.ZipFile(path) as file:
        members = {n: file.read(n) for n in file.namelist()}
    index = json.loads(members["training.json"])
    change(index)
    members["training.json"] = json.dumps(index).encode()
    with zipfile.ZipFile(path, "w") as file:
        for n, content in members.items():
            file.writestr(n, content)


def test_what_does_not_fit_is_refused_and_nothing_changes(tmp_path):
    path = tmp_path / "t.zip"
    made().save(path)
    for other, text in (
        (made(n=7), "'hidden.bias' has 6 values in"),
        (made(optimizer=eq.SGD(0.1)), "was saved with the optimizer Adam, and this trainer has SGD"),
        (made("fptt"), "was saved with the method BPTT, and this trainer has FPTT"),
    ):
        before = state(other)
        with pytest.raises(eq.EqsnnError) as error:
            other.load(path)
        assert text in str(error.value)
        same(before, state(other))
    with pytest.raises(eq.EqsnnError, match="there is no file"):
        made().load(tmp_path / "none.zip")


def test_files_that_are_none_are_errors(tmp_path):
    path, trainer = tmp_path / "t.zip", made()
    trainer.fit(*data(), epochs=1)
    trainer.save(path)
    good = path.read_bytes()
    for change, text in (
        (lambda i: i.update(format="other"), "does not say that it is one"),
        (lambda i: i.update(version=7), "it has version 7"),
        (lambda i: i.update(epoch="3"), "an epoch, a step or a seed is no number"),
        (lambda i: i["optimiser"].update(rate=-1.0), "the learning rate is no number"),
        (lambda i: i["history"]["loss"].append(1.0), "the history has not one number an epoch"),
        (lambda i: i["arrays"].pop("best"), "best"),
        (lambda i: i["arrays"]["parameters"].pop("w_in.w"), "has no 'w_in.w', which in this network is trained"),
        (lambda i: i["arrays"]["parameters"].update(x=i["arrays"]["parameters"]["w_in.w"]), "has 'x', which in this"),
    ):
        path.write_bytes(good)
        altered(path, change)
        with pytest.raises(eq.EqsnnError) as error:
            trainer.load(path)
        assert text in str(error.value)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):  # a byte anywhere
        damaged = bytearray(good)
        damaged[rng.integers(len(good))] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            trainer.load(path)
        except eq.EqsnnError:
            refused += 1
    assert refused > 30  # the rest lies in dates and names that nobody reads


def test_an_interrupted_training_goes_on_where_its_file_was_written(tmp_path):
    x, y = data()
    stop = eq.EarlyStopping(patience=2, monitor="loss")
    whole = made()
    whole.fit(x, y, epochs=6, batch=16, stop=stop)

    def interrupt(epoch, row):
        if epoch == 3:
            raise KeyboardInterrupt

    first = made()
    with pytest.raises(KeyboardInterrupt):
        first.fit(x, y, epochs=6, batch=16, stop=stop, checkpoint=tmp_path / "t.zip", report=interrupt)
    second = made(seed=3)
    second.load(tmp_path / "t.zip")
    assert second.epoch == 3 and second.best.epoch == first.best.epoch
    second.fit(x, y, epochs=6 - second.epoch, batch=16, stop=stop)
    same(state(whole), state(second))


# -- early stopping -------------------------------------------------------------------------------------------------------------------


def test_a_training_stops_when_nothing_becomes_better_and_has_the_best_parameters():
    x, y = data()
    trainer = made(optimizer=eq.Adam(0.3), schedule=None)  # so large a rate that losses go up and down
    kept = {}
    history = trainer.fit(
        x,
        y,
        epochs=60,
        batch=16,
        validation=(x, y),
        stop=eq.EarlyStopping(patience=4),
        report=lambda epoch, row: kept.update({epoch: {n: p.copy() for n, p in trainer.parameters.items()}}),
    )
    losses = history["validation_loss"]
    best = int(np.argmin(losses)) + 1
    assert len(losses) == best + 4 < 60 and trainer.best.epoch == best
    same(trainer.parameters, kept[best])
    assert any(not np.array_equal(p, kept[best + 1][n]) for n, p in trainer.parameters.items())
    out = next(d for d in trainer.network.dense if d.name == "w_out")
    np.testing.assert_array_equal(np.ravel(out.weights), trainer.parameters["w_out.w"])  # the network has them, too


def test_an_accuracy_is_the_better_the_larger_and_a_margin_counts():
    row = lambda v: {"validation_accuracy": v, "loss": 1 - v}  # noqa: E731
    stop, best = eq.EarlyStopping(monitor="validation_accuracy", margin=0.1), None
    for epoch, value in enumerate((0.5, 0.55, 0.65, 0.7), 1):
        best = stop.judge(best, epoch, row(value), {})
    assert (best.epoch, best.value) == (3, 0.65)
    stop, best = eq.EarlyStopping(monitor="loss"), None
    for epoch, value in enumerate((float("nan"), 0.5, 0.7, 0.6), 1):
        best = stop.judge(best, epoch, row(value), {})
    assert best.epoch == 3


def test_early_stopping_that_cannot_be():
    x, y = data()
    for stop, options, text in (
        (eq.EarlyStopping(), {}, "EarlyStopping looks at 'validation_loss', and fit() has no validation="),
        (eq.EarlyStopping(monitor="acuracy"), {}, "which no epoch has; did you mean 'accuracy'?"),
        (3, {}, "stop= is EarlyStopping(patience, monitor) or None; got 3"),
    ):
        with pytest.raises(eq.EqsnnError) as error:
            made().fit(x, y, stop=stop, **options)
        assert text in str(error.value)
    with pytest.raises(eq.EqsnnError, match="patience="):
        eq.EarlyStopping(patience=0)
    with pytest.raises(eq.EqsnnError, match="margin="):
        eq.EarlyStopping(margin=-1)


# -- reports and history --------------------------------------------------------------------------------------------------------------


def test_lines_tell_loss_accuracy_and_rate():
    x, y = data()
    text = io.StringIO()
    trainer = made()
    trainer.fit(x, y, epochs=2, validation=(x, y), report=text)
    line = text.getvalue().splitlines()[1]
    assert line.startswith(f"epoch 2 of 2: loss {trainer.history['loss'][1]:.3g}, accuracy ")
    assert ", rate 0." in line and ", validation loss " in line and ", validation accuracy " in line


@pytest.mark.parametrize("tqdm", [True, False])
def test_a_bar_tells_the_same(tqdm, capsys, monkeypatch):
    if not tqdm:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    trainer = made()
    trainer.fit(*data(), epochs=2, batch=8, report="bar")
    shown = capsys.readouterr().err.replace("\r", "\n")
    assert "2/2 epochs" in shown and f"loss {trainer.history['loss'][1]:.3g}, accuracy" in shown and "rate 0." in shown


def test_a_report_that_is_none():
    with pytest.raises(eq.EqsnnError, match="report= is 'text', 'stderr', 'bar'"):
        made().fit(*data(), report="lines")


def test_the_history_has_a_row_an_epoch_also_as_a_table():
    pytest.importorskip("pandas")
    x, y = data()
    trainer = made()
    trainer.fit(x, y, epochs=2)
    trainer.fit(x, y, epochs=1, validation=(x, y))
    table = trainer.history.pandas()
    assert list(table.index) == [1, 2, 3] and table.index.name == "epoch"
    assert {"loss", "accuracy", "rate", "rate_hidden", "validation_loss"} <= set(table.columns)
    assert table["validation_loss"].isna().tolist() == [True, True, False]
    assert (table["rate"] == table["rate_hidden"]).all()  # the readout has no spikes to count
    with pytest.raises(eq.EqsnnError, match="the history has no 'los'; it has loss, accuracy"):
        trainer.history["los"]


def test_the_loss_of_an_epoch_is_the_mean_over_its_samples():
    x, y = data()
    trainer = made(optimizer=eq.SGD(1e-12))  # which moves nothing that float32 could see
    trainer._starts = type(trainer._starts)(None, trainer.network)
    history = trainer.fit(x, y, batch=7)
    assert history["loss"][0] == pytest.approx(trainer.loss_of(x, y), rel=1e-5)
    assert trainer.evaluate(x, y, batch=9)["loss"] == pytest.approx(trainer.loss_of(x, y), rel=1e-5)
