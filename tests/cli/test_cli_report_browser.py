"""The page of a run, in headless Chromium."""

import shutil

import numpy as np
import pytest
from test_cli_report import make_run

from kerasgan import pictures
from kerasgan.cli import report

webdriver = pytest.importorskip("selenium.webdriver", reason="needs `pip install selenium`")
ui = pytest.importorskip("selenium.webdriver.support.ui")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.any_backend,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs Chromium: apt-get install chromium chromium-driver"
    ),
    # From inside Selenium.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(DRIVER)
    with webdriver.Chrome(options=options, service=service) as driver:
        yield driver


@pytest.fixture
def run(tmp_path):
    run = make_run(tmp_path / "run", class_names=["a" * 300, "<script>alert(1)</script>"])
    (run / "warnings.txt").write_text("w" * 500)
    for index in range(1, 5):
        picture = np.full((700, 700, 3), 40 * index, "uint8")
        pictures.save_png(run / "samples" / f"step_{1000 * index:07d}.png", picture)
    return run


def show(browser, path, width, scheme="light"):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 2, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.get(path.as_uri())


def check(browser):
    """What is true of every page: all pictures are there, nothing overflows, no error."""
    broken, width, inner = browser.execute_script(
        "return [[...document.images].filter(each => !each.naturalWidth).length,"
        " document.documentElement.scrollWidth, innerWidth]"
    )
    assert broken == 0 and width <= inner
    assert browser.get_log("browser") == []


def shown(browser):
    """The steps of the visible samples, and the text beside the slider."""
    return browser.execute_script(
        "return [[...document.querySelectorAll('.frame')].filter(each => each.offsetHeight)"
        ".map(each => each.dataset.step), document.getElementById('step').textContent]"
    )


@pytest.mark.parametrize(("width", "scheme"), [(1000, "light"), (1000, "dark"), (360, "light")])
def test_the_page_is_whole_at_every_width_and_in_both_schemes(browser, run, width, scheme):
    show(browser, report.write(run), width, scheme)
    check(browser)
    page, text = browser.execute_script(
        "const style = getComputedStyle(document.body);"
        "return [style.backgroundColor, style.color].map("
        "each => each.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0))"
    )
    assert (page > 600 and text < 150) if scheme == "light" else (page < 150 and text > 600)
    size = "return parseFloat(getComputedStyle(document.body).fontSize)"
    assert browser.execute_script(size) >= 16


def test_the_slider_shows_each_step(browser, run):
    show(browser, report.write(run), 1000)
    assert shown(browser) == [["4000"], "4,000"]
    slider = browser.find_element("id", "slider")
    assert slider.accessible_name == "Step"
    slider.send_keys(webdriver.Keys.LEFT, webdriver.Keys.LEFT)
    assert shown(browser) == [["2000"], "2,000"]
    slider.send_keys(webdriver.Keys.HOME)
    assert shown(browser) == [["0"], "0"]
    check(browser)


def test_a_live_page_reloads_itself(browser, run, monkeypatch):
    monkeypatch.setattr(report._page, "_RELOAD_SECONDS", 1)
    show(browser, report.write(run, is_live=True), 1000)
    kind = "return performance.getEntriesByType('navigation')[0]?.type"
    ui.WebDriverWait(browser, 60).until(lambda browser: browser.execute_script(kind) == "reload")


def test_a_page_keeps_the_place_of_its_reader_while_pictures_are_added(browser, run):
    show(browser, report.write(run, is_live=True), 360)
    slider = browser.find_element("id", "slider")
    slider.send_keys(webdriver.Keys.HOME, webdriver.Keys.RIGHT)
    browser.execute_script("scrollTo(0, 500)")
    for step, expected in ((9000, ["5"]), (9500, ["9500"])):
        picture = np.zeros((20, 20, 3), "uint8")
        pictures.save_png(run / "samples" / f"step_{step:07d}.png", picture)
        report.write(run, is_live=True)
        browser.refresh()
        assert shown(browser)[0] == expected
        assert browser.execute_script("return scrollY") == pytest.approx(500, abs=5)
        # The reader of the newest picture sees those that follow.
        browser.find_element("id", "slider").send_keys(webdriver.Keys.END)
    check(browser)


def test_a_comparison_is_whole_on_a_phone(browser, run, tmp_path):
    other = make_run(tmp_path / "other", arguments={"data": "b" * 300})
    path = report._page.write_comparison([run, other, run], tmp_path / "compare.html")
    show(browser, path, 360, "dark")
    check(browser)
    assert len(browser.find_elements("tag name", "img")) == 2
