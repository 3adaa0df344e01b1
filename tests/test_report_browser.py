"""The report in a real browser: it sorts, filters, plays, obeys the keyboard, asks for nothing and says nothing."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench import report
from ganbench.report import render_report
from ganbench.store.results import read_rows
from tests.synthetic import write_grid, write_trial
from tests.trials import component, make_spec

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

BASELINES = ["(real data)", "(untrained)"]
EVIL = "<img src=x onerror=window.pwned=1></script><script>window.pwned=2</script>"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")  # fmt: skip

Browser = Any
Open = Callable[..., Browser]


def found(*names: str) -> str | None:
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium without a window. ``GANBENCH_REQUIRE_BROWSER`` makes its absence a failure, as in CI."""
    binary, driver = found("chromium", "chromium-browser", "google-chrome"), found("chromedriver")
    if binary is None or driver is None:
        missing = "no Chromium with chromedriver on PATH; on Debian: apt-get install chromium chromium-driver"
        if os.environ.get("GANBENCH_REQUIRE_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield started
    started.quit()


def write(runs: Path, out: Path) -> Path:
    rows, _ = read_rows(runs)
    out.write_text(render_report(rows, base=out.parent, title="digits · mlp[hidden=128,layers=2]"), "utf-8")
    return out


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three losses of images, a diverged seed, both baselines."""
    folder = tmp_path_factory.mktemp("browser")
    write_grid(folder / "runs", {"vanilla": 6.0, "hinge": 3.0, "wgan-gp": 4.0}, 5, snapshots=4)
    rng = np.random.default_rng(1)
    write_trial(folder / "runs", make_spec("hinge", seed=9), level=3, rng=rng, status="diverged", reason="nan")
    write_trial(folder / "runs", make_spec(baseline="real"), level=1, rng=rng)
    write_trial(folder / "runs", make_spec(baseline="untrained"), level=90, rng=rng)
    return write(folder / "runs", folder / "report.html")


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two losses on points, with hostile names."""
    folder = tmp_path_factory.mktemp("points")
    rng = np.random.default_rng(1)
    for name, label in (("hinge", "hinge"), ("evil", EVIL)):
        spec = make_spec(component(name, label=label))
        spec = spec.model_copy(update={"data": spec.data.model_copy(update={"kind": "vector", "shape": (2,)})})
        trial = write_trial(folder / "runs", spec, level=3, rng=rng, snapshots=4, warnings=(EVIL,), picture=False)
        assert trial.snapshots.exists()
    return write(folder / "runs", folder / "report.html")


@pytest.fixture
def show(browser: Browser) -> Iterator[Open]:
    """Open a page; after the test, nothing may have been asked for and nothing said."""

    def open_page(path: Path, *, width: int = 1200, scheme: str = "light") -> Browser:
        # Without motion, since an element that is on its way cannot be clicked.
        media = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in media.items()]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get_log("performance")
        # On a busy machine the driver may return while the last page is still the one that answers.
        browser.execute_script("window.isThePageBefore = true")
        browser.get(path.as_uri())
        there = "return !window.isThePageBefore && document.readyState === 'complete'"
        assert eventually(lambda: browser.execute_script(there)), "the page did not come"
        return browser

    yield open_page
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if url.startswith("file:")] == [browser.current_url.partition("#")[0]]
    # Of chrome: is the browser's start page, still loading on a busy machine.
    assert [url for url in asked if not url.startswith(("file:", "data:", "chrome:"))] == []


def css(browser: Browser, selector: str) -> Any:
    return browser.find_element(By.CSS_SELECTOR, selector)


def texts(browser: Browser, selector: str) -> list[str]:
    return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]


def names(browser: Browser) -> list[str]:
    return texts(browser, ".comparison tbody th .name")


def eventually(look: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_it_opens_in_silence_and_fits(show: Open, page: Path, scheme: str, width: int) -> None:
    browser = show(page, scheme=scheme, width=width)
    assert eventually(lambda: css(browser, "#s0-by-time svg"))
    for chart in ("intervals", "by-images", "by-time", "loss-charts"):
        assert browser.find_elements(By.CSS_SELECTOR, f"#s0-{chart} svg")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    paper = "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 28)"
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == paper


def test_the_theme_can_be_chosen(show: Open, page: Path) -> None:
    browser = show(page)
    colours = []
    for _ in range(3):
        css(browser, "#theme").click()
        colours.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 23, 28)", "rgb(255, 255, 255)"]


def test_sorting_by_pointer_and_by_keyboard(show: Open, page: Path) -> None:
    browser = show(page)
    heading = next(h for h in browser.find_elements(By.CSS_SELECTOR, ".comparison th") if h.text.startswith("FID"))
    button = heading.find_element(By.TAG_NAME, "button")
    first = names(browser)
    button.click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert names(browser) == ["hinge", "wgan-gp", "vanilla", *BASELINES]
    button.send_keys(Keys.ENTER)
    assert heading.get_attribute("aria-sort") == "descending"
    assert names(browser) == ["vanilla", "wgan-gp", "hinge", "(untrained)", "(real data)"]
    button.send_keys(Keys.SPACE)
    assert heading.get_attribute("aria-sort") == "none"
    assert names(browser) == first
    row = next(h for h in browser.find_elements(By.CSS_SELECTOR, ".comparison th") if h.text.startswith("row"))
    row.find_element(By.TAG_NAME, "button").click()
    assert names(browser) == ["hinge", "vanilla", "wgan-gp", *BASELINES]


def test_filtering_hides_rows_in_the_table_and_in_the_charts(show: Open, page: Path) -> None:
    browser = show(page)
    eventually(lambda: css(browser, "#s0-intervals svg"))
    box = css(browser, "[data-filter]")
    box.send_keys("GAN-g")
    assert names(browser) == ["wgan-gp"]
    assert css(browser, "[data-count]").text == "1 of 5 rows"
    assert texts(browser, "#s0-intervals text.name") == ["wgan-gp"]
    assert texts(browser, "#s0-by-images .legend li") == ["wgan-gp"]
    assert texts(browser, "#s0-loss-charts h4") == ["wgan-gp"]
    assert [title.split()[0] for title in texts(browser, "#s0-sheets h4")] == ["real", "wgan-gp"]
    box.send_keys(" no such row")
    assert names(browser) == []
    assert "No row" in css(browser, "#s0-intervals").text
    box.send_keys(Keys.BACKSPACE * 30)
    assert len(names(browser)) == 5


def test_boxes_choose_what_the_charts_show(show: Open, page: Path) -> None:
    browser = show(page)
    eventually(lambda: css(browser, "#s0-intervals svg"))
    css(browser, "tr[data-row=s0r0] input").send_keys(Keys.SPACE)
    assert len(names(browser)) == 5
    assert texts(browser, "#s0-intervals text.name") == ["wgan-gp", "vanilla"]


def test_another_score_is_chosen_with_the_arrow_keys(show: Open, page: Path) -> None:
    browser = show(page)
    before = texts(browser, ".conclusions li")
    assert before[0].startswith("FID")
    css(browser, "#s0-answer .controls input").send_keys(Keys.ARROW_RIGHT)
    assert texts(browser, ".conclusions li")[0].startswith("IS")
    assert "IS, higher is better" in css(browser, "#s0-intervals svg").text
    chosen = browser.find_elements(By.CSS_SELECTOR, "#s0-curves .controls input[type=radio]:checked + label")
    assert [label.text for label in chosen] == ["IS"]


def test_a_diverged_seed_is_seen(show: Open, page: Path) -> None:
    browser = show(page)
    eventually(lambda: css(browser, "#s0-by-images svg"))
    assert "1 diverged" in css(browser, "#s0-intervals svg").text
    assert len(browser.find_elements(By.CSS_SELECTOR, "#s0-by-images .cross")) == 1
    assert "diverged" in texts(browser, ".failures li")[0]


def test_values_are_read_from_a_chart_with_the_keyboard(show: Open, page: Path) -> None:
    browser = show(page)
    chart = eventually(lambda: css(browser, "#s0-by-images svg"))
    chart.send_keys(Keys.END)
    note = css(browser, "#s0-by-images .tooltip").text
    assert "step 2,000" in note
    assert note.index("hinge") < note.index("wgan-gp") < note.index("vanilla")
    chart.send_keys(Keys.ARROW_LEFT)
    assert "step 1,900" in css(browser, "#s0-by-images .tooltip").text
    chart.send_keys(Keys.ESCAPE)
    assert not css(browser, "#s0-by-images .tooltip").is_displayed()


@pytest.mark.parametrize(
    "ends", [(171.6, 176.8), (0.00008, 0.00034), (1002.1, 1004.6), (120_100, 122_400), (0.068, 0.093)]
)
def test_a_tick_says_where_it_is(show: Open, page: Path, ends: tuple[float, float]) -> None:
    code = (Path(report.__file__).parent / "template" / "scale.js").read_text("utf-8")
    asked = f"{code}; return linearScale({list(ends)}, [0, 700]).ticks(8).map((tick) => [tick, short(tick)])"
    for tick, text in show(page).execute_script(asked):
        number, factor = text.replace(",", ""), {"k": 1e3, "M": 1e6}.get(text[-1], 1.0)
        assert float(number.rstrip("kM")) * factor == pytest.approx(tick, rel=1e-9), (tick, text)


def test_one_seed_at_a_time_and_all_seeds_as_lines(show: Open, page: Path) -> None:
    browser = show(page)
    eventually(lambda: css(browser, "#s0-by-images svg"))
    assert texts(browser, "#s0-sheets h4 small")[:3] == ["seed 0"] * 3
    css(browser, "#s0-samples .controls input").send_keys(Keys.ARROW_RIGHT)
    assert texts(browser, "#s0-sheets h4 small")[:3] == ["seed 1"] * 3
    assert len(browser.find_elements(By.CSS_SELECTOR, "#s0-by-images .band")) == 3
    browser.find_elements(By.CSS_SELECTOR, "#s0-curves .box input")[1].send_keys(Keys.SPACE)
    assert len(browser.find_elements(By.CSS_SELECTOR, "#s0-by-images .seed")) == 16


def test_the_animation_is_moved_and_played(show: Open, page: Path) -> None:
    browser = show(page)
    picture = css(browser, "#s0-frames figure[data-row] img")
    last = picture.get_attribute("src")
    slider = css(browser, "[data-player] input")
    assert slider.get_attribute("aria-valuetext") == "step 2000"
    slider.send_keys(Keys.HOME)
    assert slider.get_attribute("aria-valuetext") == "step 0"
    assert picture.get_attribute("src") != last
    button = css(browser, "[data-player] button")
    button.send_keys(Keys.ENTER)
    assert "Pause" in button.text
    assert eventually(lambda: "Play" in button.text)
    assert picture.get_attribute("src") == last


def test_points_move_and_hostile_names_stay_text(show: Open, points: Path) -> None:
    browser = show(points)
    dots = css(browser, "#s0-frames figure[data-row] .points")
    last = dots.get_attribute("d")
    assert last.count("M") == 500
    assert len(browser.find_elements(By.CSS_SELECTOR, "#s0-frames figure[data-row]:nth-of-type(2) .mode")) == 8
    css(browser, "[data-player] input").send_keys(Keys.HOME)
    assert dots.get_attribute("d") != last
    assert EVIL in names(browser)
    assert browser.execute_script("return window.pwned") is None


def test_what_is_printed_has_everything_open(show: Open, page: Path) -> None:
    browser = show(page)
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.find_elements(By.CSS_SELECTOR, "details:not([open])") == []
    browser.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert browser.find_elements(By.CSS_SELECTOR, "details:not([open])")
    assert len(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"]) > 20_000


def test_without_script_the_numbers_are_there(show: Open, browser: Browser, page: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(page)
        assert names(browser) == ["hinge", "wgan-gp", "vanilla", *BASELINES]
        assert texts(browser, ".conclusions li")[0].startswith("FID")
        assert not css(browser, "[data-filter]").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
