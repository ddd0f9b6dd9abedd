"""What `fit` shows, where, and when."""

import io
import re
import threading
import types

import IPython
import pytest
from models import pictures

from kerasgan import display

pytestmark = pytest.mark.any_backend


class Terminal(io.StringIO):
    def isatty(self):
        return True


def in_terminal(monkeypatch):
    """A terminal in the place of standard error."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    return terminal


@pytest.mark.parametrize(
    "arguments, total",
    [
        ({"epochs": 2}, 6),  # 11 batches, each step takes two
        ({"epochs": 2, "steps_per_epoch": 4}, 8),
        ({"steps": 5}, 5),
        ({"epochs": 2, "pretrain_steps": 2}, 6),
    ],
)
def test_the_bar_counts_steps_and_shows_losses_and_images(own, monkeypatch, arguments, total):
    terminal = in_terminal(monkeypatch)
    own.compile(discriminator_steps=2)
    own.fit(pictures(11, own), batch_size=2, **arguments)
    assert own.step == total
    last = terminal.getvalue().rstrip().split("\r")[-1]
    assert f" {total}/{total} [" in last and "100%" in last
    for shown in ("d_loss=", "g_loss=", "images/s="):
        assert shown in last


def test_pretraining_has_a_bar_of_its_own(own, monkeypatch):
    terminal = in_terminal(monkeypatch)
    own.fit(pictures(4, own), batch_size=2, pretrain_steps=3)
    first, last = terminal.getvalue().strip().split("\n")
    first = first.split("\r")[-1]
    assert first.startswith("Pretraining: 100%") and " 3/3 [" in first
    assert "d_loss=" in first and "g_loss" not in first
    assert last.split("\r")[-1].startswith("Epoch 1/1: 100%")


def test_a_notebook_without_widgets_shows_the_bar_as_text(own, monkeypatch, capsys):
    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace(kernel=None))
    own.fit(pictures(4, own), batch_size=2)
    assert " 2/2 [" in capsys.readouterr().err


def test_a_log_gets_a_line_a_minute(own, monkeypatch, capsys):
    own.fit(pictures(4, own), batch_size=2, epochs=2)
    assert capsys.readouterr() == ("", "")  # over in less than that
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0)
    own.fit(pictures(4, own), batch_size=2, epochs=4, initial_epoch=2)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 4
    for number, line in enumerate(lines, 1):
        epoch = 3 if number < 3 else 4
        # The first step, which compiles, says nothing of the others.
        left, speed = (r"\?", "") if number == 1 else (r"\d\d:\d\d", r", images/s=\d+")
        pattern = rf"Epoch {epoch}/4: {number}/4 \[\d\d:\d\d<{left}, .*"
        assert re.fullmatch(pattern + rf"d_loss=\d.*, g_loss=\d.*{speed}\]", line), line


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_steps_made_before_are_counted(own, monkeypatch, stream):
    own.fit(pictures(4, own), batch_size=2, steps=3, verbose=0)
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0)
    monkeypatch.setattr("sys.stderr", stream())
    own.fit(pictures(4, own), batch_size=2, steps=5)
    *_, last = re.split("[\r\n]+", display.sys.stderr.getvalue().rstrip())
    assert " 5/5 [" in last


@pytest.fixture
def lines_of(monkeypatch, capsys):
    """Shows 4 steps a second, and returns the lines; after `back_after` seconds all is undone."""

    def show(seconds, back_after=None):
        clock = [0.0]
        monkeypatch.setattr(display.time, "monotonic", lambda: clock[0])
        with display.open_display(500, 1) as shown:
            shown.begin("Epoch 1/1")
            for clock[0] in range(1, seconds + 1):
                shown.show({"d_loss": 1.0, "g_loss": 2.0}, num_steps=4, num_images=8)
                if clock[0] == back_after:
                    shown.back(4 * back_after)
            shown.end({"d_loss": 3.0, "g_loss": 4.0})
        return capsys.readouterr().err.splitlines()

    return show


def test_a_long_training_ends_with_a_line(lines_of):
    assert lines_of(90) == [
        "Epoch 1/1: 240/500 [01:00<01:05,  4.00step/s, d_loss=1.000, g_loss=2.000, images/s=32]",
        "Epoch 1/1: 360/500 [01:30<00:35,  4.00step/s, d_loss=3.000, g_loss=4.000, images/s=32]",
    ]


def test_the_first_step_does_not_count_for_the_time_left(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: clock[0])
    with display.open_display(500, 1) as shown:
        shown.begin("Epoch 1/1")
        for clock[0] in (50.0, 55.0, 60.0):
            shown.show({"d_loss": 1.0}, num_steps=1, num_images=8)
    line = "Epoch 1/1: 3/500 [01:00<41:25,  5.00s/step, d_loss=1.000, images/s=2]\n"
    assert capsys.readouterr().err == line


def test_a_log_says_that_the_first_step_compiles(monkeypatch, capsys):
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0.05)
    with display.open_display(500, 1) as shown:
        shown.begin("Epoch 1/1")
        threading.Event().wait(0.5)  # the first step
        shown.show({"d_loss": 1.0}, num_steps=1, num_images=8)
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first == "Epoch 1/1: 0/500 [00:00<?, ?step/s, compiling the first step]"
    assert last.startswith(("Epoch 1/1: 0/500", "Epoch 1/1: 1/500"))


def test_a_line_does_not_guess_the_time_left_of_an_unknown_number_of_steps(monkeypatch, capsys):
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0)
    with display.open_display(None, 1) as shown:
        shown.begin("Epoch 1")
        shown.show({"d_loss": 1.0, "g_loss": 2.0}, num_steps=1, num_images=8)
    assert re.match(r"Epoch 1: 1/\? \[\d\d:\d\d, ", capsys.readouterr().err)


def test_a_log_that_cannot_be_written_ends_no_training(own, monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0)
    monkeypatch.setattr("sys.stderr", Full())
    own.fit(pictures(4, own), batch_size=2)
    assert own.step == 2


def test_verbose_2_prints_a_line_for_each_epoch(own, monkeypatch, capsys):
    terminal = in_terminal(monkeypatch)
    own.fit(pictures(4, own), batch_size=2, epochs=2, pretrain_steps=3, verbose=2)
    pretraining, *epochs = capsys.readouterr().out.splitlines()
    number = r"-?\d+\.\d{4}"
    assert re.fullmatch(
        rf"Pretraining: 3 steps - \d+s - \d+ms/step - d_loss: {number} .*", pretraining
    )
    assert len(epochs) == 2 and terminal.getvalue() == ""
    for epoch, line in enumerate(epochs, 1):
        start = rf"Epoch {epoch}/2: 2 steps - \d+s - \d+ms/step - d_loss: {number} - "
        assert re.fullmatch(rf"{start}g_loss: {number} - .*loss: {number}", line), line


@pytest.mark.parametrize("kind", ["bar", "minutes", "epochs"])
def test_steps_that_are_made_again_are_taken_back(monkeypatch, capsys, kind):
    terminal = in_terminal(monkeypatch) if kind == "bar" else None
    monkeypatch.setattr(display, "SECONDS_BETWEEN_LINES", 0)
    with display.open_display(4, verbose=2 if kind == "epochs" else 1) as shown:
        shown.begin("Epoch 1/1")
        for num_steps in (3, -2, 3):
            if num_steps < 0:
                shown.back(-num_steps)
            else:
                shown.show({"d_loss": 1.0, "g_loss": 2.0}, num_steps, 8)
        shown.end({"d_loss": 1.0, "g_loss": 2.0})
    texts = capsys.readouterr()
    text = terminal.getvalue() if terminal else texts.err + texts.out
    assert ("6 steps" if kind == "epochs" else "4/4 [") in text


def test_the_speed_counts_steps_that_are_taken_back(lines_of):
    assert lines_of(120, back_after=70) == [
        "Epoch 1/1: 240/500 [01:00<01:05,  4.00step/s, d_loss=1.000, g_loss=2.000, images/s=32]",
        "Epoch 1/1: 200/500 [02:00<01:15,  4.00step/s, d_loss=1.000, g_loss=2.000, images/s=32]",
    ]


def test_verbose_0_shows_nothing(own, monkeypatch, capsys):
    terminal = in_terminal(monkeypatch)
    own.fit(pictures(4, own), batch_size=2, pretrain_steps=1, verbose=0)
    assert terminal.getvalue() == "" and capsys.readouterr().out == ""
