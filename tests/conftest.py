import os
import pathlib
import platform
import random
import signal

# Read when JAX is imported: tiny models are compiled often and run briefly, the same ones in every
# test. XLA's older emitter compiles them in half the time, and without fused multiplication and
# addition it rounds alike in whichever function a line stands.
_flags = ["--xla_backend_optimization_level=0"]
if platform.machine() in ("x86_64", "AMD64"):
    _flags += ["--xla_cpu_use_fusion_emitters=false", "--xla_cpu_max_isa=AVX"]
os.environ.setdefault("XLA_FLAGS", " ".join(_flags))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
# Threads that wait for each other cost small models more than they give, all the more beside
# other processes.
for _name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")
_cache = pathlib.Path(__file__).parent.parent / ".pytest_cache" / "jax"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_cache))

if hasattr(signal, "SIGHUP"):
    # Under nohup it is ignored, and tests that send it would wait for its effect.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

import pytest  # noqa: E402
from models import own_pair  # noqa: E402


@pytest.fixture(autouse=True)
def seeded():
    """The same initial weights at every run."""
    random.seed(0)


@pytest.fixture
def own():
    return own_pair()


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory, monkeypatch):
    """Keeps decoded images and features out of the cache of whoever runs the tests."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("KERASGAN_CACHE", str(folder))
    return folder
