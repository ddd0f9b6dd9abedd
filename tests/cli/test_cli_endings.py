"""How `kerasgan train` ends: signals, NaN, and what it says then."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from commands import TINY, errors, train
from models import at_step, once, spoil

import kerasgan
from kerasgan import callbacks, datasets, pictures, zoo
from kerasgan.cli._messages import duration, forgiving_streams


def add_callback(monkeypatch, callback):
    fit = kerasgan.GAN.fit

    def fit_with_it(gan, *arguments, callbacks, **options):
        return fit(gan, *arguments, callbacks=[*callbacks, callback], **options)

    monkeypatch.setattr(kerasgan.GAN, "fit", fit_with_it)


SIGNALS = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]


@pytest.mark.parametrize("number", SIGNALS)
def test_signals_end_after_the_step_and_save(photos, tmp_path, monkeypatch, capsys, number):
    class Kill(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.step == 1:
                os.kill(os.getpid(), number)

    add_callback(monkeypatch, Kill())
    handlers = [signal.getsignal(each) for each in SIGNALS]
    run = tmp_path / "run"
    assert train(photos, *TINY, "--epochs", 9, "--out", run) == 128 + number
    assert [signal.getsignal(each) for each in SIGNALS] == handlers
    *_, stopped, resume, written, page, last = capsys.readouterr().out.splitlines()
    assert stopped.startswith("Stopped at epoch 0 of 9 (step 2)")
    assert resume == f"To continue: kerasgan train --resume --out {run}"
    assert "model.keras" in written and last == str(run)
    assert page == f"Open {run / 'report.html'} in a browser to see how it went."
    assert callbacks.load_checkpoint(run).step == 2


def test_a_signal_before_the_first_step_leaves_a_run_to_resume(photos, tmp_path, monkeypatch):
    begin = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: os.kill(os.getpid(), signal.SIGTERM)
    )
    add_callback(monkeypatch, begin)
    run = tmp_path / "run"
    assert train(photos, *TINY, "--steps", 1, "--out", run) == 128 + signal.SIGTERM
    assert callbacks.load_checkpoint(run).step == 0


@pytest.mark.any_backend
def test_ctrl_c_says_what_is_saved(photos, tmp_path, monkeypatch, capsys):
    save_png = pictures.save_png

    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)

    def interrupt_at_the_end(path, image):
        if path.name == "samples.png":
            interrupt()
        save_png(path, image)

    def interrupt_twice(batch, logs):
        interrupt()
        interrupt()

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "save_png", interrupt_at_the_end)
        assert train(photos, *TINY, "--steps", 1, "--out", run) == 130
    assert "training had ended; its last checkpoint remains" in errors(capsys)
    assert callbacks.load_checkpoint(run).step == 1
    add_callback(monkeypatch, keras.callbacks.LambdaCallback(on_train_batch_begin=interrupt_twice))
    assert train("--resume", "--out", run, "--steps", 2) == 130
    assert "nothing saved since the last checkpoint" in errors(capsys)
    assert callbacks.load_checkpoint(run).step == 1


@pytest.mark.any_backend
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="SIGHUP")
def test_under_nohup_a_closed_terminal_ends_nothing(photos, tmp_path, monkeypatch):
    hang_up = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: os.kill(os.getpid(), signal.SIGHUP)
    )
    add_callback(monkeypatch, hang_up)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert train(photos, *TINY, "--steps", 1, "--out", tmp_path / "run") == 0
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.any_backend
def test_a_signal_that_a_library_swallows_ends_the_run_all_the_same(photos, tmp_path, monkeypatch):
    load = datasets.ImageFolder

    def swallow(*arguments, **options):
        with contextlib.suppress(BaseException):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        return load(*arguments, **options)

    monkeypatch.setattr(datasets, "ImageFolder", swallow)
    run = tmp_path / "run"
    assert train(photos, *TINY, "--steps", 9, "--out", run) == 128 + signal.SIGTERM
    assert callbacks.load_checkpoint(run).step == 0


@pytest.mark.any_backend
@pytest.mark.parametrize("number", SIGNALS)
def test_signals_during_set_up_end_at_once(photos, tmp_path, monkeypatch, number):
    def load(*arguments, **options):
        os.kill(os.getpid(), number)
        time.sleep(10)

    monkeypatch.setattr(datasets, "ImageFolder", load)
    try:
        code = train(photos, "--out", tmp_path / "run")
    except SystemExit as exit:
        code = exit.code
    assert code == 128 + number
    assert not (tmp_path / "run").exists()


@contextlib.contextmanager
def disk_full_after(step):
    """Lets the process write no file above 100 bytes, from a step to the end of the block."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Fill(keras.callbacks.Callback):
        # After a step: JAX keeps what it compiles in files that must not be cut short.
        def on_train_batch_end(self, batch, logs=None):
            if self.model.step == step:
                resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))

    with pytest.MonkeyPatch.context() as patch:
        add_callback(patch, Fill())
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.any_backend
@pytest.mark.filterwarnings("always::UserWarning")
def test_a_full_disk_is_a_failure_that_says_what_is_safe(photos, tmp_path, capsys):
    run = tmp_path / "run"
    with disk_full_after(1):
        code = train(photos, *TINY, "--steps", 1, "--out", run)
    captured = capsys.readouterr()
    assert code == 1 and "error: step 1 could not be saved" in captured.err
    assert "No model was saved. Start another run" in captured.err
    assert "Finished" not in captured.out and "--resume" not in captured.out
    run = tmp_path / "other"
    with disk_full_after(5):  # a checkpoint comes every five steps
        code = train(photos, *TINY, "--steps", 6, "--out", run)
    captured = capsys.readouterr()
    assert code == 1
    assert "The newest saved step is 5. Free some disk space and resume the run." in captured.err
    assert f"kerasgan train --resume --out {run}" in captured.out
    assert train("--resume", "--out", run) == 0
    assert "Finished at step 6 of 6" in capsys.readouterr().out


@pytest.mark.any_backend
def test_a_run_whose_folder_is_replaced_ends_and_writes_nothing_there(
    photos, tmp_path, monkeypatch, capsys
):
    run = tmp_path / "run"

    class Replace(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            run.rename(tmp_path / "moved")
            run.mkdir()
            (run / ".lock").touch()

    add_callback(monkeypatch, Replace())
    assert train(photos, *TINY, "--steps", 9, "--out", run) == 1
    assert "stopped at step 2: the folder of this run was removed" in errors(capsys)
    assert [path.name for path in run.iterdir()] == [".lock"]


@pytest.mark.any_backend
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a disk that is always full")
def test_lines_that_cannot_be_printed_are_dropped():
    with open("/dev/full", "w") as full, contextlib.redirect_stdout(full):
        with forgiving_streams():
            print("x" * 100_000, flush=True)
            print("y")
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    with contextlib.redirect_stdout(ascii_only), forgiving_streams():
        print("runs/\u00e9\udcff")
    assert ascii_only.buffer.getvalue() == b"runs/\\xe9\\udcff\n"


@pytest.mark.filterwarnings("always::UserWarning")
@pytest.mark.parametrize("steps", [2, 9])
def test_nan_ends_the_run_and_is_not_saved(photos, tmp_path, monkeypatch, capsys, steps):
    build = zoo.build_dcgan

    def explode(**options):
        gan = build(**options)
        # As a schedule, since training does not begin with a rate of NaN.
        rate = keras.optimizers.schedules.ExponentialDecay(float("nan"), 1, 1.0)
        gan.compile(g_optimizer=keras.optimizers.SGD(rate))
        return gan

    monkeypatch.setattr(zoo, "build_dcgan", explode)
    run = tmp_path / "run"
    assert train(photos, *TINY, "--steps", steps, "--out", run) == 1
    captured = capsys.readouterr()
    assert "generator's weights became NaN or infinite at step 1." in captured.err
    assert "not finite at step 1. Start another run" in captured.err
    assert f"of {steps}, after" in captured.out and "Finished" not in captured.out
    assert "--resume" not in captured.out
    assert captured.out.splitlines()[-1] == str(run)
    assert not (run / "model.keras").exists()
    assert not (run / "samples.png").exists()


@pytest.mark.any_backend
@pytest.mark.filterwarnings("ignore:Training goes back", "ignore:The weights contain NaN")
def test_a_run_goes_back_with_half_the_learning_rates_and_keeps_them(
    photos, tmp_path, monkeypatch, capsys
):
    run = tmp_path / "run"
    arguments = ["--learning-rate", 4e-4, "--rollbacks", 1, "--out", run]
    with monkeypatch.context() as patch:
        add_callback(patch, at_step(3, once(spoil)))
        assert train(photos, *TINY, *arguments, "--steps", 6) == 0
    assert "Finished at step 6 of 6" in capsys.readouterr().out
    assert train("--resume", "--out", run, "--steps", 7) == 0
    gan = keras.models.load_model(run / "model.keras")
    assert gan.step == 7 and float(gan.d_optimizer.learning_rate) == pytest.approx(2e-4)


@pytest.mark.any_backend
@pytest.mark.filterwarnings("ignore:batch size")
@pytest.mark.parametrize("batch_size", [8, 1])
def test_without_memory_the_run_ends_in_a_line_that_helps(
    photos, tmp_path, monkeypatch, capsys, batch_size
):
    class Fill(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.step == 2:
                np.empty((2**50, 4))

    run = tmp_path / "run"
    arguments = [*TINY, "--batch-size", batch_size, "--steps", 3, "--out", run]
    with monkeypatch.context() as patch:
        add_callback(patch, Fill())
        assert train(photos, *arguments) == 1
    text = capsys.readouterr().err
    assert "kerasgan train: error: memory ran out after step 2. " in text
    if batch_size == 1:
        assert text.endswith("smaller --size or --filters.\n")
        return
    resume = f"--resume --out {run} --batch-size 4"
    assert text.endswith(f": kerasgan train {resume}\n")
    assert train(*resume.split()) == 0
    assert callbacks.load_checkpoint(run).step == 3


@pytest.mark.any_backend
@pytest.mark.skipif(os.name == "nt", reason="SIGTERM")
def test_without_a_terminal_there_are_plain_lines(photos, tmp_path):
    run = tmp_path / "run"
    command = [sys.executable, "-m", "kerasgan.cli", "train", photos, *TINY, "--out", run]
    with subprocess.Popen(
        [*map(str, command), "--steps", "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        begun = process.stdout.readline()
        # The first frame is made after signals are waited for.
        while process.poll() is None and not list(run.glob(".training.gif.frames/step_*.png")):
            time.sleep(0.05)
        process.terminate()
        out, error = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGTERM, error
    assert begun.startswith(b"Training dcgan on 10 images of photos (16x16x3)")
    assert not {b"\r", b"\x1b"} & {bytes([code]) for code in begun + out + error}
    assert b"images/s" not in error
    assert out.decode().splitlines()[-1] == str(run)
    assert callbacks.load_checkpoint(run).step < 1000


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (32, "32 s"),
        (59.6, "1 min 0 s"),
        (92.4, "1 min 32 s"),
        (3599, "59 min 59 s"),
        (7500, "2 h 5 min"),
        (7559, "2 h 5 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_a_duration_is_in_its_two_largest_units(seconds, text):
    assert duration(seconds) == text
