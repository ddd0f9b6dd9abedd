"""What the measuring scripts share: each run appends one line of JSON to a file.

A run that already has a line is not run again, so an interrupted measurement continues where it
stopped, and more seeds can be added later.
"""

import importlib
import json
import math
import os
import pathlib
import platform
import statistics
import sys
import time

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "results"
ENCODERS = FOLDER / "encoders"


def measure(path, key, run, *arguments):
    """The result of `run(*arguments)`, a dict, merged with `key`, which identifies the run.

    Appends it to the file `path`, with the seconds it took and what it ran on, or reads it if it is
    already there.
    """
    for result in read(path):
        if key.items() <= result.items():
            return result
    start, cpu_start = time.monotonic(), time.process_time()
    result = key | run(*arguments)
    result |= {
        "seconds": round(time.monotonic() - start, 1),
        "cpu_seconds": round(time.process_time() - cpu_start, 1),
        **environment(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    print(json.dumps(result), flush=True)
    return result


def read(path):
    """All results in a file, oldest first."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def environment():
    """The processor, GPU, backend and versions of a measurement."""
    import keras  # here, so that a script that only starts others does not load a framework

    backend = keras.config.backend()
    modules = ("keras", "numpy", backend)
    device = gpu_name(backend)
    return {
        "processor": _processor(),
        **({"device": device} if device else {}),
        "cores": len(os.sched_getaffinity(0)),
        "backend": backend,
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.import_module(name).__version__ for name in modules},
        },
    }


def gpu_name(backend):
    """The GPU's name, None without a GPU; also initialises the framework on it."""
    framework = importlib.import_module(backend)
    if backend == "torch":
        if framework.cuda.is_available():
            framework.zeros(1, device="cuda")
            return framework.cuda.get_device_name()
    elif backend == "jax":
        (framework.numpy.zeros(1) + 1).block_until_ready()
        if framework.default_backend() != "cpu":
            return framework.devices()[0].device_kind
    else:
        framework.zeros(1).numpy()
        for gpu in framework.config.list_physical_devices("GPU"):
            return framework.config.experimental.get_device_details(gpu).get("device_name", "GPU")
    return None


def _processor():
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    names = cpuinfo.read_text().split("model name\t: ")[1:] if cpuinfo.exists() else []
    return names[0].splitlines()[0] if names else platform.processor() or platform.machine()


def spread(values, digits=2):
    """Mean and standard deviation over seeds, for a table."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def middle(values, digits):
    """Median (minimum to maximum)."""
    if not values:
        return ""
    shown = f"{statistics.median(values):.{digits}f}"
    if len(values) == 1:
        return shown
    return f"{shown} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def memory(field="VmRSS"):
    """Memory of this process in MB, as Linux tells: all, or `"RssAnon"`, what no file backs."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def peak_memory():
    """The most memory of this process so far, in bytes; NaN on Windows, which does not tell."""
    try:
        import resource
    except ImportError:
        return math.nan
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)
