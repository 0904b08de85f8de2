"""The ECG network (examples/train_ecg.py): accuracy of several seeds, or the time of one batch beside PyTorch's.

    python benchmarks/learning/ecg.py train FOLDER [--seeds 5] [--first 0] [--epochs 150] [--clip 0.3]
    python benchmarks/learning/ecg.py speed FOLDER --torch /path/to/python/with/torch [--rounds 5]
    python benchmarks/learning/ecg.py threads FOLDER [--rounds 5]

``train`` trains on all of QTDB_train and looks at QTDB_test once, at the end; ``speed`` times forward and backward of 64 recordings of 1,301 steps in
CPU seconds, one thread each, the two taking turns, and the fastest of each counts. ``threads`` times the same on one thread and on two, taking
turns, by the clock on the wall. The last line is JSON.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import train_ecg

import eqsnn as eq


def train(args) -> dict:
    """The accuracies and CPU seconds of all seeds."""
    x, y = train_ecg.recordings(args.data, "train")
    test = train_ecg.recordings(args.data, "test")
    accuracy, seconds = [], []
    for seed in range(args.first, args.first + args.seeds):
        eq.seed(seed)
        trainer = train_ecg.trainer(args.epochs, threads=1, clip=args.clip)
        start = time.process_time()
        trainer.fit(x, y, epochs=args.epochs, batch=32)
        seconds.append(time.process_time() - start)
        accuracy.append(trainer.evaluate(*test)["accuracy"])
        print(f"seed {seed}: {accuracy[-1]:.4f} after {seconds[-1]:.1f} CPU s", flush=True)
    spread = statistics.stdev(accuracy) if len(accuracy) > 1 else 0.0
    return {
        "accuracy": accuracy,
        "mean": statistics.mean(accuracy),
        "spread": spread,
        "cpu_seconds": seconds,
        "epochs": args.epochs,
    }


def speed(args) -> dict:
    """CPU seconds of one batch, and the ratio."""
    x, y = train_ecg.recordings(args.data, "train")
    x, y = x[:64], y[:64]
    trainer = train_ecg.trainer(1, threads=1)
    trainer.gradients(x, y)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/batch.npz", x=x, y=y)
        command = [args.torch, str(Path(__file__).with_name("torch_ecg.py")), f"{folder}/batch.npz"]
        peer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        version = peer.stdout.readline().split()[1]
        for _ in range(args.rounds):
            for _ in range(5):
                start = time.process_time()
                trainer.gradients(x, y)
                ours.append(time.process_time() - start)
            peer.stdin.write("go\n")
            peer.stdin.flush()
            theirs.append(float(peer.stdout.readline()))
        peer.stdin.close()
        peer.wait()
    found = {"eqsnn": min(ours), "torch": min(theirs), "ratio": min(theirs) / min(ours), "torch_version": version}
    return {**found, "tape_MB": trainer.engine.tape_bytes() / 1e6}


def threads(args) -> dict:
    """Seconds of one batch on one and two threads, and the ratio."""
    x, y = train_ecg.recordings(args.data, "train")
    x, y = np.ascontiguousarray(x[:64]), y[:64]
    trainers = {n: train_ecg.trainer(1, threads=n) for n in (1, 2)}
    found = {n: [] for n in trainers}
    for _ in range(args.rounds):
        for n, trainer in trainers.items():
            for _ in range(10):
                start = time.perf_counter()
                trainer.gradients(x, y)
                found[n].append(time.perf_counter() - start)
    one, two = min(found[1]), min(found[2])
    return {"one": one, "two": two, "ratio": one / two}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "speed", "threads"))
    parser.add_argument("data", help="folder of QTDB_train.mat and QTDB_test.mat")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--clip", type=float, default=0.3, help="the largest norm of a gradient")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch", default=sys.executable, help="a Python that has PyTorch")
    arguments = parser.parse_args()
    print(json.dumps({"train": train, "speed": speed, "threads": threads}[arguments.what](arguments)))
