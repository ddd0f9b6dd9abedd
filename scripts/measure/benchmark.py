"""Times a training step: kerasgan, and other ways to write the same step.

    python scripts/measure/benchmark.py --list
    python scripts/measure/benchmark.py --backends tensorflow torch --rounds 5 --steps 30 \\
        --contenders fit train_on_batch keras_train_step torch_eager --cores 1
    python scripts/measure/benchmark.py --preset cpu        # hours
    python scripts/measure/benchmark.py --preset gpu        # ten minutes; no TensorFlow

Every contender (`contenders.py`) runs in its own process. Each round runs all of them in turn, so
that a machine that slows down slows all of them down. Times are compared only within a round: the
table shows the median of these ratios over the rounds, with minimum and maximum. The ratios are to
`--base`, on the same backend unless the name includes one (`torch_eager@torch`).

With `--together`, all contenders of one size start at once and then wait for their turns. That is
much faster where a start takes longest, as on a GPU, but needs memory for all of them and leaves
out the time of the first step.

Each turn's measurements are a line of JSON in `--out`:

    wall_ms, cpu_ms      wall time, and processor time of all threads, of one step, after `--warmup`
                         untimed steps
    images_per_second    real images, each counted once per step
    first_step_seconds   from building the model to the end of the first step, with compilation but
                         without imports. (Every Keras contender starts with `build_MODEL`, which
                         also makes optimizers that only kerasgan's own contenders use.)
    peak_memory_mib      of the process on a CPU, including imports (imports_memory_mib is their
                         part); of the framework's tensors on a GPU
    step_gflop           of convolutions and dense layers, counted from the networks' shapes
    matmul_gflops        GFLOP per second of a matrix product with the same framework, precision
                         and process
    share                fraction of that rate that the step reaches, by wall time

The images are noise. A contender that cannot run, or fails, is listed with the reason below the
table and skipped in later rounds.
"""

import argparse
import contextlib
import datetime
import functools
import importlib
import itertools
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import types

import contenders
import numpy as np
import results

ROOT = pathlib.Path(__file__).resolve().parents[2]
BACKENDS = contenders.BACKENDS
TIMEOUT = 900  # seconds for a process to start, and for each of its turns
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
PRESETS = {
    "cpu": {
        "backends": ["tensorflow", "torch"],
        "contenders": [name for name in contenders.CONTENDERS if name != "fit_joint"],
        "size": [28, 64],
        "batch_size": [64],
        "filters": [16, 32],
        "cores": [1, 2],
        "rounds": 5,
        "steps": 30,
    },
    "gpu": {
        "backends": ["jax", "torch"],
        "contenders": [
            "train_on_batch",
            "fit",
            "fit_8_steps@jax",
            "fit_uncompiled",
            "fit_deterministic",
            "keras_train_step",
            "torch_eager",
            "torch_compile",
            "jax_jit",
        ],
        "size": [28, 64],
        "batch_size": [64, 128],
        "filters": [64],
        "precision": ["float32", "bfloat16"],
        "rounds": 5,
        "steps": 96,
        "together": True,
    },
}


# One process: one contender, once


def prepare(spec):
    """Starts the contender of `spec`, a dict; returns a function that measures it once."""
    setting = types.SimpleNamespace(**spec)
    entry = contenders.CONTENDERS[setting.contender]
    uses_keras = not setting.contender.startswith("torch_")
    if setting.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: setting.cores])
    framework = importlib.import_module(setting.backend)
    if setting.backend == "tensorflow" and setting.cores:
        framework.config.threading.set_intra_op_parallelism_threads(setting.cores)
        framework.config.threading.set_inter_op_parallelism_threads(setting.cores)
    device = results.gpu_name(setting.backend)
    if device and setting.backend == "torch":
        # TF32 in matrix products as in convolutions, and as on JAX.
        framework.set_float32_matmul_precision("high")
    if uses_keras:
        import keras

        importlib.import_module("kerasgan")
        if setting.precision == "bfloat16":
            keras.config.set_dtype_policy("mixed_bfloat16")
    shape = (setting.size, setting.size, setting.channels)
    count = setting.batch_size * max(8, setting.steps, setting.warmup)
    imports_memory, _ = peak_memory(setting.backend, device)
    images = np.random.default_rng(0).integers(0, 256, (count, *shape), dtype="uint8")

    start = time.perf_counter()
    contender = entry.make(setting, images)
    contender.run(contender.chunk)
    first_step = time.perf_counter() - start

    def whole(steps):
        return -(-steps // contender.chunk) * contender.chunk

    if setting.warmup:
        contender.run(whole(setting.warmup))
    steps = whole(setting.steps)
    flop = step_flop(setting)

    def measure():
        cpu_start, start = time.process_time(), time.perf_counter()
        losses = contender.run(steps)
        wall = (time.perf_counter() - start) / steps
        cpu = (time.process_time() - cpu_start) / steps
        memory, memory_of = peak_memory(setting.backend, device)
        if not all(math.isfinite(value) for value in losses.values()):
            raise ArithmeticError(f"losses are not finite: {losses}")
        rate = matmul_rate(setting.backend, setting.precision, device)
        return {
            "steps": steps,
            "wall_ms": round(1e3 * wall, 3),
            "cpu_ms": round(1e3 * cpu, 3),
            "images_per_second": round(setting.batch_size / wall, 1),
            "first_step_seconds": round(first_step, 2),
            "peak_memory_mib": round(memory / 2**20),
            "imports_memory_mib": round(imports_memory / 2**20),
            "memory_of": memory_of,
            "step_gflop": round(flop / 1e9, 3),
            "matmul_gflops": round(rate / 1e9, 1),
            "share": round(flop / wall / rate, 4),
            "losses": {name: float(value) for name, value in losses.items()},
            **results.environment(),
        }

    return measure


def peak_memory(backend, device):
    """Peak memory so far in bytes, and what it measures: the device's tensors, or the process."""
    if device is None:
        peak = results.peak_memory()
        return peak, "unknown" if math.isnan(peak) else "process"
    if backend == "torch":
        import torch

        return torch.cuda.max_memory_allocated(), "device"
    if backend == "jax":
        import jax

        return jax.devices()[0].memory_stats()["peak_bytes_in_use"], "device"
    import tensorflow as tf

    return tf.config.experimental.get_memory_info("GPU:0")["peak"], "device"


def step_flop(setting):
    """Floating-point operations of one step in convolutions and dense layers.

    A multiplication and an addition count as two. A backward pass costs two forward passes, or
    only one without the weights' gradients. In a discriminator's update the generator runs forward,
    and the discriminator forward and backward over two batches; in a generator's update the
    generator runs forward and backward, and the discriminator forward and backward without its
    weights' gradients. The gradient penalty adds a forward pass, its gradient, and the backward
    pass through that.
    """
    zoo = contenders.build(setting)
    generator, discriminator = forward_flop(zoo.generator), forward_flop(zoo.discriminator)
    task = contenders.TASKS[setting.model]
    update = generator + 2 * 3 * discriminator + (4 * discriminator if task.penalty else 0)
    step = task.discriminator_steps * update + 3 * generator + 2 * discriminator
    if setting.contender == "fit_simultaneous":
        # The fakes are generated once and scored once.
        step -= generator + discriminator
    return setting.batch_size * step


def forward_flop(model):
    """Operations of one image's forward pass: every kernel at each of its positions."""
    total = 0
    for layer in model.layers:
        kernels = [variable for variable in layer.weights if variable.path.endswith("kernel")]
        inner = getattr(layer, "layer", layer)
        at = layer.input if type(inner).__name__ == "Conv2DTranspose" else layer.output
        places = math.prod(at.shape[1:-1])
        total += sum(2 * places * math.prod(kernel.shape) for kernel in kernels)
    return total


def matmul_rate(backend, precision, device):
    """Floating-point operations per second of a square matrix product: the best of three tries.

    On a GPU, in the default precision of convolutions there (TF32 for float32).
    """
    size, count = (4096, 100) if device else (1024, 3)
    if backend == "torch":
        import torch

        place = "cuda" if device else "cpu"
        x = torch.rand(size, size, dtype=getattr(torch, precision), device=place)

        def product():
            for _ in range(count):
                y = x @ x
            return y[0, 0].item()
    elif backend == "jax":
        import jax

        x = jax.random.uniform(jax.random.key(0), (size, size), dtype=precision)
        multiply = jax.jit(jax.numpy.matmul)

        def product():
            for _ in range(count):
                y = multiply(x, x)
            return y.block_until_ready()
    else:
        import tensorflow as tf

        x = tf.cast(tf.random.stateless_uniform((size, size), seed=(0, 0)), precision)

        def product():
            for _ in range(count):
                y = tf.matmul(x, x)
            return y[0, 0].numpy()

    product()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return count * 2 * size**3 / min(times)


def child(spec):
    """Prepares a contender, then measures it once for each line of standard input.

    Prints a line of JSON each time: `{}` when ready, then the measurements, or why the contender
    failed.
    """
    measure = None
    for _ in itertools.chain([None], sys.stdin):
        with contextlib.redirect_stdout(sys.stderr):
            try:
                result = {}
                if measure is None:
                    measure = prepare(spec)
                else:
                    result = measure()
            except contenders.Unavailable as error:
                result = {"skipped": str(error)}
            except Exception as error:
                lines = str(error).strip().splitlines() or [""]
                result = {"error": f"{type(error).__name__}: {lines[-1]}"}
        print(json.dumps(result), flush=True)
        if measure is None:
            return


# All processes


class Process:
    """One contender in a process of its own, which starts at once."""

    def __init__(self, spec):
        environment = {
            **os.environ,
            "KERAS_BACKEND": spec["backend"],
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
            "TF_CPP_MIN_LOG_LEVEL": "2",
            # Several processes share a GPU.
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        }
        if spec["cores"]:
            environment |= dict.fromkeys(THREADS, str(spec["cores"]))
        entry = contenders.CONTENDERS.get(spec["contender"])
        environment |= entry.environment if entry else {}
        self.errors = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--child", json.dumps(spec)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    @functools.cached_property
    def ready(self):
        """Waits until the contender is prepared; `{}`, or a dict with `error` or `skipped`."""
        return self._read()

    def measure(self):
        """The result of one turn: a dict with `wall_ms` and so on, or with `error` or `skipped`."""
        if self.ready:
            return self.ready
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended: what it said last tells why
        return self._read()

    def _read(self):
        timer = threading.Timer(TIMEOUT, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        is_late = not timer.is_alive()
        timer.cancel()
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            self.process.kill()
            status = self.process.wait()
            if is_late:
                return {"error": f"took more than {TIMEOUT} seconds"}
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines() or [line.strip() or "no output"]
            return {"error": f"{lines[-1]} (exit status {status})"}

    def close(self):
        self.process.kill()
        self.process.communicate()
        self.errors.close()


def settings_of(given):
    """One dict for each combination of size, precision and number of cores."""
    count = len(given.size)
    batch_sizes, filters = (
        c * count if len(c) == 1 else c for c in (given.batch_size, given.filters)
    )
    return [
        {
            "model": given.model,
            "size": size,
            "channels": given.channels or (1 if size == 28 or given.model == "flag_gan" else 3),
            "batch_size": batch_size,
            "filters": width,
            "precision": precision,
            "cores": cores,
            "steps": given.steps,
            "warmup": given.warmup,
        }
        for size, batch_size, width in zip(given.size, batch_sizes, filters, strict=True)
        for precision in given.precision
        for cores in given.cores
    ]


def title(setting):
    shown = (
        "{model} {size}x{size}x{channels}, batch {batch_size}, filters {filters}, {precision}"
    ).format(**setting)
    if setting["cores"]:
        shown += f", {setting['cores']} core{'s' if setting['cores'] > 1 else ''}"
    return shown


def benchmark(given):
    """Runs everything, appends each result to `--out`, and returns results and failures."""
    settings = settings_of(given)
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    deadline = time.monotonic() + 60 * given.minutes if given.minutes else math.inf
    turns = [
        (index, name, backend)
        for index in range(len(settings))
        for backend in given.backends
        for name, _, only in (each.partition("@") for each in given.contenders)
        if backend in contenders.CONTENDERS[name].backends
        and only in ("", backend)
        and given.model in contenders.CONTENDERS[name].models
    ]
    found, failed, waiting = [], {}, {}

    def spec_of(turn):
        index, name, backend = turn
        return {**settings[index], "contender": name, "backend": backend}

    def take(turn, number):
        if turn in failed or time.monotonic() > deadline:
            return
        process = waiting.get(turn) or Process(spec_of(turn))
        result = {"run": started, "round": number, **spec_of(turn), **process.measure()}
        if given.together:
            result.pop("first_step_seconds", None)  # all started at once
        else:
            process.close()
        given.out.parent.mkdir(parents=True, exist_ok=True)
        with open(given.out, "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        reason = result.get("error") or result.get("skipped")
        if reason:
            failed[turn] = reason
        else:
            found.append((turn, result))
        shown = reason or f"{result['wall_ms']:.1f} ms, {result['cpu_ms']:.1f} ms of processor time"
        index, name, backend = turn
        place = f"round {number + 1}, {title(settings[index])}"
        print(f"{place}: {name}@{backend}: {shown}", file=sys.stderr, flush=True)

    groups = [turns]
    if given.together:
        by_size = itertools.groupby(turns, lambda turn: settings[turn[0]]["size"])
        groups = [list(group) for _, group in by_size]
    for group in groups:
        if given.together:
            waiting = {turn: Process(spec_of(turn)) for turn in group}
        for process in waiting.values():
            process.ready  # noqa: B018
        for number in range(given.rounds):
            for turn in group:
                take(turn, number)
        for process in waiting.values():
            process.close()
    return settings, found, failed


HEADER = [
    "contender",
    "backend",
    "runs",
    "ms per step",
    "ratio",
    "processor ms",
    "ratio",
    "images/s",
    "first step, s",
    "memory, MiB",
    "of matmul",
]
MEDIANS = ("images_per_second", "first_step_seconds", "peak_memory_mib", "share")


def tables(given, settings, found, failed):
    """Markdown: one table for each setting."""
    parts = []
    for index, setting in enumerate(settings):
        runs = {}
        for (place, name, backend), result in found:
            if place == index:
                runs.setdefault((name, backend), {})[result["round"]] = result
        rows = []
        for (name, backend), rounds in runs.items():
            base_name, _, base_backend = given.base.partition("@")
            base = runs.get((base_name, base_backend or backend), {})
            pairs = [(rounds[n], base[n]) for n in rounds if n in base]
            ratios = [
                results.middle([run[key] / other[key] for run, other in pairs if other[key]], 2)
                for key in ("wall_ms", "cpu_ms")
            ]
            median = {
                key: statistics.median(run.get(key, math.nan) for run in rounds.values())
                for key in MEDIANS
            }
            rows.append(
                [
                    name,
                    backend,
                    len(rounds),
                    results.middle([run["wall_ms"] for run in rounds.values()], 1),
                    ratios[0],
                    results.middle([run["cpu_ms"] for run in rounds.values()], 1),
                    ratios[1],
                    f"{median['images_per_second']:.0f}",
                    f"{median['first_step_seconds']:.1f}",
                    f"{median['peak_memory_mib']:.0f}",
                    f"{median['share']:.1%}",
                ]
            )
        parts.append(f"\n{title(setting)}; ratios to {given.base}\n\n{results.table(HEADER, rows)}")
        for (place, name, backend), reason in failed.items():
            if place == index:
                parts.append(f"\n{name}@{backend}: {reason}")
    return "\n".join(parts)


def main():
    names = list(contenders.CONTENDERS)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="list the contenders and exit")
    parser.add_argument("--preset", choices=PRESETS, help="defaults for the options not given")
    parser.add_argument("--model", choices=contenders.TASKS, default="dcgan")
    parser.add_argument("--size", nargs="+", type=int, default=[28], help="pixels")
    parser.add_argument("--channels", type=int, help="default: 1 at 28 pixels, otherwise 3")
    parser.add_argument("--batch-size", nargs="+", type=int, default=[64], help="one for each size")
    parser.add_argument("--filters", nargs="+", type=int, default=[16], help="one for each size")
    parser.add_argument(
        "--precision", nargs="+", choices=("float32", "bfloat16"), default=["float32"]
    )
    parser.add_argument(
        "--contenders",
        nargs="+",
        choices=[*names, *(f"{name}@{backend}" for name in names for backend in BACKENDS)],
        default=names,
        metavar="NAME",
        help="NAME or NAME@BACKEND (default: all)",
    )
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=["tensorflow"])
    parser.add_argument("--base", default="fit", help="NAME or NAME@BACKEND (default: fit)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30, help="steps to time in each process")
    parser.add_argument("--warmup", type=int, default=25, help="untimed steps before them")
    parser.add_argument(
        "--cores", nargs="+", type=int, default=[0], help="processors to use (default: 0, all)"
    )
    parser.add_argument(
        "--together", action="store_true", help="start all contenders of a size at once"
    )
    parser.add_argument("--minutes", type=float, help="begin no turn after this many minutes")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/benchmark.jsonl"))
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        return child(given.child)
    if given.list:
        for name, entry in contenders.CONTENDERS.items():
            print(f"{name:<18} {entry.summary} [{', '.join(entry.backends)}]")
        return None
    if given.preset:
        parser.set_defaults(**PRESETS[given.preset])
        given = parser.parse_args()
    for name in ("batch_size", "filters"):
        if len(getattr(given, name)) not in (1, len(given.size)):
            parser.error(f"--{name.replace('_', '-')} must be one number, or one for each size.")
    print(tables(given, *benchmark(given)))


if __name__ == "__main__":
    main()
