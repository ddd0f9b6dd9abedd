"""Kill training runs at random moments, resume them, and compare the result with a run left alone.

    KERAS_BACKEND=torch scripts/measure/soak.py kill --runs 100
    scripts/measure/soak.py term int disk --runs 20
    sudo scripts/measure/soak.py full cache --runs 20

Each run is `kerasgan train` on the package's flags, with an image cache of its own, in a process
that is disturbed once: by SIGKILL, SIGTERM or Ctrl-C at a moment drawn evenly from the time that
an undisturbed run takes (half of the moments from the time after its start-up); by SIGKILL while it
builds the cache (`cache`); by a limit on the size of its files (`disk`); or by a disk that is too
small and grows before the resume (`full`, a tmpfs, which only root can mount). Then it is resumed
until it ends, or started again if it had not written its settings yet, or if its last message says
so because nothing was saved.

Appends a line to `--out` for each run: `moment`, what it was doing; `code`, its exit code; `lost`,
whether there was a checkpoint that could not be loaded; and `is_equal`, whether weights,
optimizers, random states and counters are equal to those of the undisturbed run, by their hash.
Prints a table of all runs so far.
"""

import argparse
import collections
import contextlib
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
CACHING = "caching images"
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("how", nargs="+", choices=(*SIGNALS, "cache", "disk", "full"))
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
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    run = pathlib.Path(place, "run")
                    results.measure(given.out, key, soak, run, key, times, expected)
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


def soak(run, key, times, expected):
    """Disturbs a run and resumes it."""
    with contextlib.ExitStack() as stack:
        if key["how"] == "full":
            mount(run.parent, "1m")
            stack.callback(subprocess.run, ["umount", run.parent], check=True)
        return disturb(run, key["how"], key["steps"], random.Random(key["seed"]), times, expected)


def mount(folder, size):
    """Makes a disk of this size in a folder, or gives another size to the disk there."""
    kind = "remount" if os.path.ismount(folder) else "rw"
    options = f"{kind},size={size}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


def disturb(run, how, steps, chance, times, expected):
    setup, total = times
    limit = None
    if how == "disk":
        # Up to the size of the largest file, the model, and of the cache.
        limit = chance.randrange(1000, 400_000)
    elif how == "full":
        mount(run.parent, chance.randrange(50_000, 2_000_000))
    process = train(run, steps, limit)
    if how == "cache":
        while process.poll() is None and describe(run) != CACHING:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))
        process.kill()
    elif how in SIGNALS:
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
    if how == "full":
        mount(run.parent, "64m")
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
    for folder, kind in ((run, "writing a file"), (run.with_name("run-cache"), CACHING)):
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
