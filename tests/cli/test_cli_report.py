"""`kerasgan report`, and the page that every run has."""

import html.parser
import json
import pathlib
import shutil

import keras
import numpy as np
import pytest
from commands import TINY, errors, read_png, train

import kerasgan
from kerasgan import callbacks, cli, latents, pictures
from kerasgan.cli import report, run_folder
from kerasgan.cli._neighbours import Neighbours
from kerasgan.cli.report import _curves, _live, _run
from kerasgan.datasets import ImageFolder

pytestmark = pytest.mark.any_backend

SCRIPT = "<script>alert(1)</script>"
# Elements without an end.
VOID = {"img", "input", "link", "meta"}


class Page(html.parser.HTMLParser):
    """The elements of a page, and its visible text."""

    def __init__(self, path):
        super().__init__()
        self.elements, self.text, self._open = [], "", []
        self.feed(path.read_text(encoding="utf-8"))
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open += [tag] * (tag not in VOID)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] not in ("script", "style"):
            self.text += data

    def all(self, tag, **attributes):
        return [
            found
            for each, found in self.elements
            if each == tag and attributes.items() <= found.items()
        ]


def write_report(*arguments):
    return cli.main(["report", *map(str, arguments)])


def page_of(run):
    assert write_report(run) == 0
    return Page(run / "report.html")


def make_run(folder, **config):
    """The folder of a run with all that a page shows, made by hand."""
    (folder / "samples").mkdir(parents=True)
    for name in ("samples/step_0000000.png", "samples/step_0000005.png"):
        pictures.save_png(folder / name, np.full((20, 20, 3), 99, "uint8"))
    for name in ("samples.png", "interpolation.png", "nearest.png"):
        pictures.save_png(folder / name, np.full((20, 20, 3), 200, "uint8"))
    arguments = {"model": "dcgan", "steps": 5, "epochs": None, "data": "/photos", "seed": 0}
    config = {"arguments": arguments | config.pop("arguments", {}), **config}
    (folder / "config.json").write_text(json.dumps(config | {"versions": {"keras": "3.15.1"}}))
    (folder / "log.csv").write_text("step,epoch,d_loss,g_loss,odd\n1,0,1.5,2.0,\n5,0,1.25,nan,7\n")
    (folder / "evaluation.csv").write_text(
        "step,frechet_distance,kernel_distance,variety,encoder\n"
        "0,995.5,9.5,0.2,mnist\n3,4.25,0.75,0.5,mnist\n5,4.5,0.5,0.875,mnist\n"
    )
    return folder


def test_every_run_has_a_page_that_needs_nothing_else(run):
    page = Page(run / "report.html")
    sources = [image["src"] for image in page.all("img")]
    assert len(sources) == 7 + 2  # samples of seven steps, an interpolation, nearest images
    assert all(source.startswith("data:image/") for source in sources)
    assert all(image["alt"] for image in page.all("img"))
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    assert "http" not in (run / "report.html").read_text().replace("http-equiv", "")
    frames = page.all("figure", **{"class": "frame"})
    assert [frame["data-step"] for frame in frames] == list("0123456")
    assert ["hidden" in frame for frame in frames] == [True] * 6 + [False]
    assert (
        "finished step 6 of 6" in page.text and "dcgan on 10 images of photos, 16x16x3" in page.text
    )
    assert "data-reload" not in page.all("html")[0]
    for text in (
        keras.__version__,
        kerasgan.__version__,
        "batch size",
        "10 images are too few to learn from",
    ):
        assert text in page.text
    assert "What this page lacks" not in page.text
    # Losses, scores, and the two parts of the loss, two lines each.
    assert len(page.all("svg")) == 3 and len(page.all("polyline")) == 6


def test_the_page_can_be_made_again_to_the_byte(run, capsys):
    before = (run / "report.html").read_bytes()
    time = (run / "report.html").stat().st_mtime_ns
    assert write_report(run) == 0
    assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    assert (run / "report.html").read_bytes() == before
    assert (run / "report.html").stat().st_mtime_ns == time


def test_its_pictures_are_of_the_final_generator(run):
    gan = callbacks.load_checkpoint(run)
    walk = latents.path(gan._sampler.draw(8, seed=0), gan.latents, 8)
    expected = pictures.grid(gan.sample(64, latents=walk), columns=8, scale=8)
    np.testing.assert_array_equal(read_png(run / "interpolation.png"), expected)
    grid = gan.sample(64, seed=0)[:8].repeat(8, axis=1).repeat(8, axis=2)
    # Eight samples in the first column, each with two white pixels around it.
    found = read_png(run / "nearest.png")[2:, 2:130].reshape(8, 130, 128, 3)[:, :128]
    np.testing.assert_array_equal(found, grid)


def test_rows_of_classes_are_named(run_of_pets):
    page = Page(run_of_pets / "report.html")
    assert "Each row is one class, from the top: cat, dog." in page.text
    picture = read_png(run_of_pets / "interpolation.png")
    assert picture.shape[0] == picture.shape[1]  # eight rows of eight
    assert (run_of_pets / "nearest.png").is_file()


def test_nothing_in_a_run_becomes_a_part_of_the_page(tmp_path):
    names = [f"{SCRIPT}1", '"><img src=x>']
    run = make_run(
        tmp_path / "<b>run & 'co'", class_names=names, arguments={SCRIPT: SCRIPT, "data": SCRIPT}
    )
    (run / "warnings.txt").write_text(f"First {SCRIPT}.\nFirst {SCRIPT}.\nSecond &amp; last\n")
    log = (run / "log.csv").read_text()
    (run / "log.csv").write_text(log.replace("odd", SCRIPT))
    page = page_of(run)
    assert len(page.all("script")) == 1 and len(page.all("b")) == page.text.count("ealthy:") + 6
    assert all(image["src"].startswith("data:") for image in page.all("img"))
    assert page.text.count(f"First {SCRIPT}.") == 1 and "Second &amp; last" in page.text
    for text in (*names, "<b>run & 'co'", f"{SCRIPT} 7"):
        assert text in page.text, text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("config.json", "The settings and versions are not known: config.json is not there."),
        ("log.csv", "There are no curves of losses"),
        ("evaluation.csv", ""),
        ("samples", ""),
        ("interpolation.png", "interpolation.png is not there (yet)."),
        ("nearest.png", "nearest.png is not there (yet)."),
    ],
)
def test_what_is_missing_is_named_and_the_rest_is_shown(tmp_path, name, says):
    run = make_run(tmp_path / "run")
    path = run / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = page_of(run)
    assert says in page.text and len(page.all("img")) + len(page.all("svg")) >= 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"[" * 100_000),
        ("config.json", b'["a"]'),
        ("config.json", b'{"arguments": 5, "versions": [], "class_names": {}}'),
        (
            "config.json",
            b'{"arguments": {"steps": 1e400, "epochs": "9", "model": {}, "data": [0]}}',
        ),
        ("log.csv", b"\xff\x00\n1,2"),
        ("log.csv", b"step,d_loss\n" + b"9" * 500 + b",1\n2,1e300\n3,-inf\n4,word\n"),
        ("log.csv", b"step\n1\n"),
        ("log.csv", b'step,d_loss\n1,"' + b"x" * 200_000 + b'"\n'),
        ("evaluation.csv", b"other\n1\n"),
        ("warnings.txt", b"\xff\xfe broken\n"),
        ("samples/step_0000005.png", b"no picture"),
        ("samples/step_x.png", b"not one of them"),
        ("nearest.png", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_what_is_damaged_is_left_out(tmp_path, name, content):
    run = make_run(tmp_path / "run")
    (run / name).write_bytes(content)
    assert len(page_of(run).all("img")) >= 3


def test_files_that_would_fill_the_memory_are_not_read(tmp_path):
    run = make_run(tmp_path / "run")
    pictures.save_png(run / "nearest.png", np.zeros((6000, 6000, 1), "uint8"))  # 35 KB
    for name in ("log.csv", "interpolation.png"):
        with open(run / name, "wb") as file:
            file.truncate(2**40)  # without a byte on the disk
    text = page_of(run).text
    assert "nearest.png cannot be shown (ValueError: more than 33,554,432 pixels)" in text
    assert "interpolation.png cannot be shown (ValueError: more than 67,108,864 bytes)" in text
    assert "log.csv cannot be read (ValueError: more than 67,108,864 bytes)" in text


def test_a_long_run_has_a_page_of_bounded_size(tmp_path):
    run = make_run(tmp_path / "run")
    rng = np.random.default_rng(0)
    pictures.save_png(tmp_path / "noise.png", rng.integers(0, 256, (300, 300, 3), "uint8"))
    for step in range(100, 6000, 100):
        shutil.copy(tmp_path / "noise.png", run / "samples" / f"step_{step:07d}.png")
    rows = "".join(f"{step},0,{step % 7},2\n" for step in range(1, 6000))
    (run / "log.csv").write_text("step,epoch,d_loss,g_loss\n" + rows)
    page = page_of(run)
    steps = [int(frame["data-step"]) for frame in page.all("figure", **{"class": "frame"})]
    assert len(steps) <= 40 and (steps[0], steps[-1]) == (0, 5900)
    assert f"{len(steps)} of 61 pictures are shown" in page.text
    assert "Large pictures are reduced" in page.text
    assert (run / "report.html").stat().st_size < 40 * 150_000


def test_pictures_once_chosen_stay_while_a_run_grows():
    before: list = []
    for count in range(1, 500):
        chosen = _run._thinned(list(range(count)))
        assert len(chosen) <= 40 and (chosen[0], chosen[-1]) == (0, count - 1)
        assert len(chosen) >= min(count, 20)
        assert set(chosen[:-1]) <= {*before, count - 2, count - 1}
        before = chosen[:-1] + [chosen[-1]]


def snapshots(monkeypatch, folder, found):
    """Keeps the page as it is at the beginning of each batch."""

    def look(batch, logs=None):
        found.append(Page(folder / "report.html"))

    fit = kerasgan.GAN.fit
    callback = keras.callbacks.LambdaCallback(on_train_batch_begin=look)

    def fit_with_it(gan, *arguments, callbacks, **options):
        return fit(gan, *arguments, callbacks=[*callbacks, callback], **options)

    monkeypatch.setattr(kerasgan.GAN, "fit", fit_with_it)


def test_the_page_of_a_run_that_trains_reloads_itself(photos, tmp_path, monkeypatch, capsys):
    found = []
    run = tmp_path / "run"
    snapshots(monkeypatch, run, found)
    monkeypatch.setattr(_live, "_SHARE_OF_PAGE", 1e9)  # at every step
    assert train(photos, *TINY, "--steps", 3, "--out", run) == 0
    assert [page.text.count("training step 0 of 3") for page in found] == [1, 0, 0]
    assert "training step 2 of 3" in found[2].text
    assert all(int(page.all("html")[0]["data-reload"]) > 0 for page in found)
    assert "data-reload" not in Page(run / "report.html").all("html")[0]
    text = capsys.readouterr().out
    assert f"To watch it, open {run / 'report.html'}" in text
    assert f"Open {run / 'report.html'} in a browser" in text and text.endswith(f"{run}\n")


def test_another_process_that_trains_makes_the_page_live(tmp_path):
    run = make_run(tmp_path / "run")
    with run_folder.opened(run, resume=True):
        page = page_of(run)
        assert int(page.all("html")[0]["data-reload"]) > 0
    advice = f"kerasgan report {run} brings this page up to date"
    assert advice in page.text
    page = page_of(run)
    assert "data-reload" not in page.all("html")[0] and advice not in page.text


@pytest.mark.filterwarnings("always::UserWarning")
def test_a_page_that_cannot_be_written_stops_no_training(photos, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    write_config = run_folder.write_config

    def write_and_block(folder, *arguments):
        write_config(folder, *arguments)
        (folder / "report.html").mkdir()

    monkeypatch.setattr(run_folder, "write_config", write_and_block)
    assert train(photos, *TINY, "--steps", 2, "--out", run) == 0
    text = errors(capsys)
    assert "LivePage could not write" in text and "report.html could not be written" in text
    assert (run / "samples.png").is_file()


@pytest.mark.filterwarnings("always::UserWarning")
def test_warnings_are_kept_with_the_run_and_shown(photos, tmp_path, capsys):
    folder = tmp_path / "some"
    shutil.copytree(photos, folder)
    (folder / "broken.png").write_bytes(b"nothing")
    run = tmp_path / "run"
    assert train(folder, *TINY, "--steps", 1, "--out", run) == 0
    assert "broken.png" in errors(capsys)
    kept = (run / "warnings.txt").read_text()
    broken, few = kept.splitlines()
    assert "broken.png" in broken and "too few" in few
    text = Page(run / "report.html").text
    assert broken in text and few in text
    # What is refused leaves nothing behind, though it has warned before.
    other = tmp_path / "other"
    few = [*TINY, "--steps", 1, "--evaluate", "pyramid", "--out", other]
    assert train(folder, *few) == 2
    assert not other.exists()


def test_what_ends_a_run_is_on_its_page(photos, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    monkeypatch.setattr(
        kerasgan.GAN,
        "fit",
        lambda *arguments, **options: (_ for _ in ()).throw(MemoryError("full")),
    )
    assert train(photos, *TINY, "--steps", 1, "--out", run) == 1
    assert "memory ran out after step 0" in errors(capsys)
    page = Page(run / "report.html")
    assert "memory ran out after step 0. Continue with smaller batches" in page.text
    assert "stopped step 0 of 1" in page.text


def test_runs_are_compared_side_by_side(tmp_path, monkeypatch, capsys):
    one = make_run(tmp_path / "a" / "same", arguments={"seed": 1})
    two = make_run(tmp_path / "b" / "same", arguments={"seed": 2, "more": SCRIPT})
    (two / "evaluation.csv").unlink()
    monkeypatch.chdir(tmp_path)
    assert write_report(one, two) == 0
    assert capsys.readouterr().out == "compare.html\n"
    page = Page(tmp_path / "compare.html")
    assert len(page.all("img")) == 2 and len(page.all("script")) == 1
    # d_loss and g_loss of both, the column that belongs to no plot, and three scores of one.
    assert len(page.all("svg")) == 6
    assert str(one) in page.text and str(two) in page.text
    cells = page.text.split("What differs")[1].split("Curves")[0].split("same")[-1].split()
    assert cells == ["seed12", "morenot", f"known{SCRIPT}"]
    assert "4.25" in page.text.split("Best scores")[1].split("What differs")[0]
    config = json.loads((one / "config.json").read_text())
    config["arguments"]["monitor"] = "kernel_distance"
    (one / "config.json").write_text(json.dumps(config))
    assert write_report(one, two, "--overwrite") == 0
    page = Page(tmp_path / "compare.html")
    assert "0.875" in page.text.split("Best scores")[1].split("What differs")[0]


def test_scores_are_explained_and_those_of_noise_left_out(tmp_path):
    run = make_run(tmp_path / "run", arguments={"patience": 2, "steps": 50})
    page = page_of(run)
    assert "Variety" in page.text and "Healthy: near 1" in page.text
    assert page.text.count("A further term") == 1  # of the column `odd`
    assert "995" not in page.text and "1000" not in page.text
    assert "If --patience ended it, pass a larger one, too." in page.text


def write_scores(run, columns, *rows):
    lines = (",".join(map(str, row)) for row in rows)
    (run / "evaluation.csv").write_text("\n".join([f"step,{columns}", *lines, ""]))


def test_scores_of_real_images_are_dashed_lines(tmp_path):
    run = make_run(tmp_path / "run")
    columns = "frechet_distance,precision,recall,floor_precision,floor_recall"
    write_scores(run, columns, (2, 9, 0.5, 0.25, 0.9, 0.875), (4, 7, 0.75, 0.5, 0.9, 0.875))
    page = page_of(run)
    words = " ".join(page.text.split())
    assert "real images, precision 0.9 real images, recall 0.875" in words
    assert page.text.count("Dashed: the same number of other real images") == 1
    assert len([line for line in page.all("line") if "floor" in line["class"]]) == 2
    other = make_run(tmp_path / "other")
    write_scores(other, columns, (2, 8, 0.5, 0.25, 0.9, 0.875))
    assert write_report(run, other, "--out", tmp_path / "two.html") == 0
    page = Page(tmp_path / "two.html")
    assert not [line for line in page.all("line") if "floor" in line["class"]]
    assert "floor" not in page.text.split("Best scores")[1]


@pytest.mark.parametrize(
    ("distances", "copies", "says"),
    [
        ((50, 1.4, 2.1, 2.4, 2.2), 0.0, "was smallest at step 1 (1.4), and is 2.2 now"),
        ((50, 1.4, 2.1, 2.4, 1.6), 0.0, None),  # only by an eighth
        ((50, 1.4, 2.1, 2.4), 0.0, None),  # only twice
        ((50, -0.1, 0.2, 0.2, 0.2), 0.0, None),  # as far as real images are by chance
        ((50, 5.0, 4.0, 3.0, 2.0), 0.5, "50% of the samples are nearly copies"),
        ((50, 5.0, 4.0, 3.0, 2.0), 0.3, None),  # almost as many as of real images
    ],
)
def test_a_page_warns_of_overfitting(tmp_path, distances, copies, says):
    run = make_run(tmp_path / "run")
    rows = ((step, distance, copies, 0.3, 0.25) for step, distance in enumerate(distances))
    columns = "kernel_distance,copies,floor_kernel_distance,floor_copies"
    write_scores(run, columns, *rows)
    text = page_of(run).text
    assert ("There may be too few images" in text) == bool(says)
    assert says is None or says in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nosuch"],
            "`RUN` must be the folder of a run. Received: nosuch, which has no config.json",
        ),
        (["run", "empty"], "`RUN` must be the folder of a run. Received: empty, which has no"),
        (["run", "--out", "x.html"], "`--out` must be left out for one run"),
        (["run", "run", "--out", "x.png"], "`--out` must end in .html"),
        (["run", "run", "--out", "mine.html"], "`--out` must be new"),
        (["run", "run", "--out", "nosuch/x.html"], "`--out` must be a writable path"),
    ],
)
def test_what_cannot_be_reported_is_refused(tmp_path, monkeypatch, capsys, arguments, message):
    make_run(tmp_path / "run")
    (tmp_path / "empty").mkdir()
    (tmp_path / "mine.html").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert write_report(*arguments) == 2
    assert message in errors(capsys)
    assert (tmp_path / "mine.html").read_text() == "mine"
    assert not (tmp_path / "empty" / "report.html").exists()


def test_lines_are_drawn_where_their_values_are():
    steps = np.array([0.0, 50.0, 100.0, 150.0])
    plot = _curves.plot(
        {"one": (steps, np.array([0.0, 1.0, np.nan, 0.5])), "two": (steps, steps * 0)}
    )
    first, second = plot.lines
    assert (first.last, second.last) == ("0.5", "0")
    whole, dot = first.parts
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in whole.split())
    ticks = {text: place for place, text in plot.y_ticks}
    assert (y0, y1) == pytest.approx((ticks["0"], ticks["1"]), abs=0.1) and y1 < y0
    assert float(dot.split(",")[1]) == pytest.approx((y0 + y1) / 2, abs=0.1)
    across = {text: place for place, text in plot.x_ticks}
    assert (x0, x1) == pytest.approx((across["0"], across["50"]), abs=0.1)
    assert len(second.parts) == 1 and not plot.is_averaged and not plot.is_cut


def test_many_values_are_averaged_and_outliers_drawn_at_the_edge():
    steps = np.arange(3000.0)
    values = np.where(steps == 0, 1e9, steps % 2)
    plot = _curves.plot({"one": (steps, values)})
    points = [tuple(map(float, point.split(","))) for point in plot.lines[0].parts[0].split()]
    assert plot.is_averaged and plot.is_cut and len(points) == 300
    assert len({y for _, y in points[1:]}) == 1  # every mean is a half
    assert all(plot.top <= y <= plot.bottom for _, y in points)
    assert _curves.plot({"one": (steps, np.full(3000, np.nan))}) is None


def test_nearest_images_stay_right_while_training_moves_on(photos):
    folder = ImageFolder(photos, (16, 16, 3), batch_size=4, mirror=True)
    images = _live._Images(_live.copy.copy(folder))
    neighbours = Neighbours(images, _live.small_pixels, 8)
    assert neighbours.count == 8
    first = folder[1]
    folder.set_epoch(5)
    rows = neighbours.beside(first)
    assert rows.shape == (4, 6, 16, 16, 3)
    np.testing.assert_array_equal(rows[:, 0], first)
    np.testing.assert_array_equal(rows[:, 1], first)


def test_its_files_are_found_beside_the_code():
    folder = pathlib.Path(report.__file__).parent
    assert {"page.html", "compare.html", "parts.html", "style.css", "page.js"} <= {
        path.name for path in folder.iterdir()
    }
