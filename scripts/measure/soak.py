"""Kill training runs at random moments, resume them, and compare the result with a run left alone.

    KERAS_BACKEND=torch scripts/measure/soak.py kill --runs 100
    scripts/measure/soak.py term int disk --runs 20

Each run is `kerasgan train` on the package's flags, with an image cache of its own, in a process
that is disturbed once: by SIGKILL, SIGTERM or Ctrl-C at a moment drawn evenly from the time that
an undisturbed run takes (half of the moments from the time after its start-up), or by a limit on
the size of its files, as if the disk were full. Then it is resumed until it ends, or started again
if it had not written its settings yet, or if its last message says so because nothing was saved.

Appends a line to `--out` for each run: `moment`, what it was doing; `code`, its exit code; `lost`,
whether there was a checkpoint that could not be loaded; and `is_equal`, whether weights,
optimizers, random states and counters are equal to those of the undisturbed run, by their hash.
Prints a table of all runs so far.
"""

import argparse
import collections
import hashlib
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings

import keras
import results

import kerasgan

ROOT = pathlib.Path(__file__).parents[2]
ARGUMENTS = [str(ROOT / "datasets" / "flags"), "--size", "16", "--filters", "4"]
ARGUMENTS += ["--batch-size", "8", "--ema", "0.9", "--augment", "color"]
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("how", nargs="+", choices=(*SIGNALS, "disk"))
    parser.add_argument("--runs", type=int, default=10, help="of each kind")
    parser.add_argument("--steps", type=int, default=200, help="in a run")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/soak.jsonl"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run = folder / "undisturbed"
        for _ in range(2):  # the first fills JAX's cache, if there is one
            shutil.rmtree(run, ignore_errors=True)
            times = measure(run, given.steps)
        expected = state_hash(run)
        for how in given.how:
            for seed in range(given.runs):
                key = {"backend": keras.config.backend(), "how": how, "steps": given.steps}
                key["seed"] = seed
                arguments = (folder / "run", how, given.steps, seed, times, expected)
                results.measure(given.out, key, soak, *arguments)
                shutil.rmtree(folder / "run", ignore_errors=True)
    print_table(given.out)


def measure(run, steps):
    """Makes an undisturbed run; returns the times to its first steps and to its end."""
    start = time.monotonic()
    process = train(run, steps)
    while process.poll() is None and not (run / "log.csv").exists():
        time.sleep(0.01)
    setup = time.monotonic() - start
    if process.wait():
        sys.exit(f"The undisturbed run failed:\n{process.stderr.read()}")
    return setup, time.monotonic() - start


def soak(run, how, steps, seed, times, expected):
    """Disturbs a run and resumes it."""
    chance = random.Random(seed)
    setup, total = times
    limit = None
    if how == "disk":
        # Up to the size of the largest file, the model, and of the cache.
        limit = chance.randrange(1000, 400_000)
    process = train(run, steps, limit)
    if how != "disk":
        try:
            process.wait(chance.uniform(chance.choice([0, setup]), total))
        except subprocess.TimeoutExpired:
            process.send_signal(SIGNALS[how])
    process.wait()
    moment = describe(run)
    found = {"moment": moment, "code": process.returncode, "lost": False, "resumes": 0}
    messages = process.stderr.read()
    found["traceback"] = "Traceback" in messages
    if (run / "model.keras").exists():
        try:
            state_hash(run)
        except Exception as error:  # whatever it is, the checkpoint is lost
            found |= {"lost": True, "error": repr(error)}
    while process.returncode and found["resumes"] < 3:
        found["resumes"] += 1
        if "Start another run" in messages:
            shutil.rmtree(run)
        process = train(run, steps, resume=(run / "config.json").exists())
        process.wait()
        messages = process.stderr.read()
        found["last_error"] = messages[-500:] if process.returncode else ""
    return found | {"is_equal": not process.returncode and state_hash(run) == expected}


def train(run, steps, limit=None, resume=False):
    """Starts `kerasgan train`; files may have at most `limit` bytes."""

    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    environment = os.environ | {"KERASGAN_CACHE": str(run.with_name(f"{run.name}-cache"))}
    if not resume:
        shutil.rmtree(environment["KERASGAN_CACHE"], ignore_errors=True)
    arguments = ["--resume"] if resume else ARGUMENTS
    command = [sys.executable, "-m", "kerasgan_command", "train", *arguments]
    command += ["--steps", str(steps), "--out", str(run)]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit_files if limit else None,
    )


def describe(run):
    """What a process was doing when it ended."""
    for folder, kind in ((run, "writing a file"), (run.with_name("run-cache"), "caching images")):
        if [*folder.rglob("*.tmp*")]:
            return kind
    if (run / "samples.png").exists():
        return "finished"
    if (run / "log.csv").exists():
        return "training"
    return "setting up" if run.exists() else "starting"


def state_hash(run):
    """A hash of everything that training continues from."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*Loaded the previous model")
        gan = kerasgan.callbacks.load_checkpoint(run)
    digest = hashlib.sha256(repr(gan.progress).encode())
    variables = [*gan.variables, *gan.sampling_generator.variables, *gan.optimizer.variables]
    for variable in (*variables, *gan._random_variables().values()):
        digest.update(keras.ops.convert_to_numpy(variable.value).tobytes())
    return digest.hexdigest()


def print_table(path):
    rows = collections.defaultdict(list)
    for line in results.read(path):
        rows[line["backend"], line["how"]].append(line)
    head = ["backend", "disturbed by", "runs", "lost", "different in the end", "tracebacks"]
    table = []
    for (backend, how), lines in rows.items():
        moments = collections.Counter(line["moment"] for line in lines)
        counts = [sum(line["lost"] for line in lines)]
        counts += [sum(not line["is_equal"] for line in lines)]
        counts += [sum(line["traceback"] for line in lines)]
        table.append([backend, how, len(lines), *counts, dict(moments)])
    print(results.table([*head, "while it was"], table))


if __name__ == "__main__":
    main()
