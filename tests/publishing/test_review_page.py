"""The review page in a real browser: keys, what a screen reader is told, and that a clip is heard."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

from synth.steps.index import index
from tests.publishing.reviewed import PATIENCE_S, Running, human, judged, recordings, row
from tests.real_data import DATA, needs_data

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER and importlib.util.find_spec("selenium")),
    reason="no browser: wanted chromium and chromedriver on the PATH, and pip install selenium",
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--mute-audio", "--window-size=1280,950",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def verdicts(tmp_path):
    return judged(recordings(tmp_path / "sounds", seconds=2.0))


class Page:
    """The page of a running review; ``press`` types keys as a keyboard does."""

    def __init__(self, browser, running: Running, clips: int = 12) -> None:
        self.browser, self.running, self.clips = browser, running, clips
        browser.get(running.address)
        self.until(lambda: f"Clip 1 of {clips}" in self.text("place"))

    def until(self, holds) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.browser, PATIENCE_S, poll_frequency=0.05).until(lambda _: holds())

    def text(self, name: str) -> str:
        found = self.browser.execute_script("return document.getElementById(arguments[0]).textContent", name)
        return found.replace("\u00a0", " ")

    def press(self, keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.browser).send_keys(keys).perform()

    def now(self, place: int, words: str = "") -> None:
        self.until(lambda: f"Clip {place} of {self.clips}" in self.text("status") and words in self.text("status"))

    def focus(self) -> str:
        return self.browser.execute_script("return document.activeElement.id")

    def tree(self) -> list[dict]:
        """Return Chrome's accessibility tree: what a screen reader gets, without what is ignored."""
        nodes = self.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [
            {
                "role": node.get("role", {}).get("value"),
                "name": node.get("name", {}).get("value", ""),
                "description": node.get("description", {}).get("value", ""),
                **{one["name"]: one["value"].get("value") for one in node.get("properties", [])},
            }
            for node in nodes
            if not node.get("ignored")
        ]


@pytest.fixture
def page(browser, verdicts):
    with Running(verdicts) as running:
        yield Page(browser, running)
        said = [line["message"] for line in browser.get_log("browser") if line["source"] != "network"]
        assert said == [], "no error of the script, nothing that the page's policy forbids"


def test_one_key_decides_and_the_next_clip_comes(page, verdicts):
    from selenium.webdriver.common.keys import Keys

    said = []
    for place, (key, words) in enumerate([("d", "dropped"), ("k", "kept"), ("?", "doubtful")], 1):
        said.append(page.running.get(f"item?list=worst&at={place - 1}"))
        page.press(key)
        page.now(place + 1, f"Stored: {said[-1]['label']} {words}.")
    page.press("s")
    page.now(5, "Skipped, nothing stored.")
    page.press(Keys.ARROW_LEFT)
    page.now(4)
    for place in (5, 6):
        page.press(Keys.ARROW_RIGHT)
        page.now(place)
    page.running.kill()  # as soon as the page says stored, it is
    with Running(verdicts) as again:
        again.interrupt()
    pairs = [(one["source_id"], one["label"]) for one in said]
    assert human(verdicts) == dict(zip(pairs, ("wrong", "keep", "doubtful"), strict=True))


def test_undo(page, verdicts):
    page.press("k")
    page.now(2)
    page.press("d")
    page.now(3)
    page.press("u")
    page.now(2, "Taken back.")
    assert "You decided" not in page.text("facts")
    page.press("u")
    page.now(1, "Taken back.")
    page.press("u")
    page.until(lambda: "nothing to take back" in page.text("alert"))
    page.press("d")
    page.now(2)
    page.running.interrupt()
    assert list(human(verdicts).values()) == ["wrong"]


def test_two_tabs(page, verdicts):
    """Each tab undoes its own; a clip that both show gets the later answer, and the page says so; a reload forgets nothing."""
    browser, first = page.browser, page.browser.current_window_handle
    browser.switch_to.new_window("tab")
    second = browser.current_window_handle
    other = Page(browser, page.running)  # shows clip 1 as well
    other.press("k")
    other.now(2, "kept.")
    browser.switch_to.window(first)
    browser.execute_script("dispatchEvent(new Event('focus'))")  # a browser without a screen may not tell
    page.now(2, "Another tab answered")
    page.press("u")
    page.until(lambda: "no answer of its own" in page.text("alert"))
    page.press("d")
    page.now(3, "dropped.")
    browser.switch_to.window(second)
    other.until(lambda: "Clip 2" in other.text("status") or "Clip 3" in other.text("status"))
    browser.execute_script("dispatchEvent(new Event('focus'))")
    other.now(3, "Another tab answered")
    other.press("k")  # clip 3, which the first tab shows too
    other.now(4, "kept.")
    browser.switch_to.window(first)
    said = page.running.post(
        "decide",
        {"list": "worst", "row": page.running.get("item?list=worst&at=2")["row"], "verdict": "wrong", "tab": "c"},
    )
    assert said["replaced"] == "keep"
    page.running.post("undo", {"tab": "c"})
    browser.refresh()
    page.until(lambda: "Clip" in page.text("place") and page.text("progress") == "3 decided")
    page.press("u")
    page.now(2, "Taken back.")
    browser.switch_to.window(second)
    browser.close()
    browser.switch_to.window(first)
    page.running.interrupt()
    assert sorted(human(verdicts).values()) == ["keep", "keep"]


def test_a_clip_that_both_tabs_show_gets_the_later_answer(page, verdicts):
    shown = page.running.get("item?list=worst&at=0")
    page.running.post("decide", {"list": "worst", "row": shown["row"], "verdict": "keep", "tab": "another"})
    page.press("d")
    page.now(2, "Another tab had answered kept; your answer came later and counts.")
    page.press("u")
    page.now(1, "Taken back. The answer of another tab counts: kept.")
    page.running.interrupt()
    assert list(human(verdicts).values()) == ["keep"]


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [(2.0, ["0 s", "0.5 s", "1 s", "1.5 s", "2 s"]), (1.3, ["0 s", "0.5 s", "1 s"]), (0.37, ["0 s", "0.1 s", "0.2 s", "0.3 s"]),
     (5.03, ["0 s", "1 s", "2 s", "3 s", "4 s", "5 s"]), (61.0, ["0 s", "20 s", "40 s", "60 s"])],
)  # fmt: skip
def test_the_marks_of_the_time_are_round(browser, tmp_path, seconds, marks):
    with Running(judged(recordings(tmp_path / "sounds", clips=2, seconds=seconds))) as running:
        Page(browser, running, 2)
        found = "return Array.from(document.querySelectorAll('#secs span'), (one) => [one.textContent, parseFloat(one.style.left)])"
        texts, places = zip(*browser.execute_script(found), strict=True)
        running.kill()
    assert list(texts) == marks
    assert places == pytest.approx([100 * float(one.split()[0]) / seconds for one in marks], abs=0.2)


def test_space_plays_a_real_clip_and_stops_it(page):
    heard = "const a = document.getElementById('audio'); return [a.readyState, a.currentTime, a.duration, a.paused, !!a.error]"
    page.press(" ")
    page.until(lambda: page.browser.execute_script(heard)[1] > 0.2)
    ready, _, duration, paused, failed = page.browser.execute_script(heard)
    assert (ready, paused, failed) == (4, False, False)
    assert duration == pytest.approx(2.0, abs=0.01)
    assert page.text("playing") == "Pause"
    page.press(" ")
    page.until(lambda: page.browser.execute_script(heard)[3])
    at = page.browser.execute_script(heard)[1]
    assert 0.2 < at < 2.0
    page.browser.execute_script(
        "const s = document.getElementById('seek'); s.value = 1.5; s.dispatchEvent(new Event('input'))"
    )
    page.until(lambda: page.browser.execute_script(heard)[1] == pytest.approx(1.5, abs=0.01))
    picture = "const p = document.getElementById('picture'); return p.complete && p.naturalWidth"
    page.until(lambda: page.browser.execute_script(picture) > 100)


@needs_data
def test_recordings_as_they_are_found(browser, tmp_path):
    """ESC-10: a dog, a rooster, rain, …, Ogg Vorbis at 16 kHz."""
    folder = tmp_path / "esc10"
    folder.mkdir()
    names = [path.name for path in sorted((DATA / "esc10" / "audio").glob("*.ogg"))[:12]]
    for name in names:
        shutil.copy(DATA / "esc10" / "audio" / name, folder / name)
    table = tmp_path / "labels.csv"
    table.write_text("path,labels\n" + "".join(f"{name},class {name.split('-')[-1][:-4]}\n" for name in names))
    sources = tmp_path / "sources.parquet"
    index([folder], csv=table, out=sources)
    with Running(judged(sources)) as running:
        page = Page(browser, running)
        page.press(" ")
        heard = "const a = document.getElementById('audio'); return a.currentTime > 0.3 && a.duration"
        page.until(lambda: page.browser.execute_script(heard))
        assert page.browser.execute_script(heard) == pytest.approx(5.0, abs=0.05)


def test_every_format_plays(page):
    heard = "const a = document.getElementById('audio'); return a.currentTime > 0 && !a.error"
    page.press("a")  # every clip at once
    for place in range(2, 8):
        page.press("s")
        page.now(place)
        page.until(lambda: page.browser.execute_script(heard))


def test_a_screen_reader_is_told_what_there_is(page):
    tree = page.tree()
    buttons = {node["name"]: node for node in tree if node["role"] == "button"}
    wanted = {
        "Play",
        "Keep",
        "Drop",
        "Doubtful",
        "Skip",
        "Previous",
        "Next",
        "Undo",
        "Go",
        "Play at once",
        "Single keys",
        "Help",
    }
    assert wanted | {"Done"} <= set(buttons)
    assert {name: buttons[name]["keyshortcuts"] for name in ("Keep", "Drop", "Doubtful", "Skip", "Undo", "Play")} == {
        "Keep": "k", "Drop": "d", "Doubtful": "?", "Skip": "s", "Undo": "u", "Play": "Space"
    }  # fmt: skip
    assert buttons["Undo"]["disabled"]
    clip = next(node for node in tree if node["role"] == "application")
    label = page.running.get("item?list=worst&at=0")["label"]
    assert clip["name"] == f"Clip 1 of 12, worst first Is this “{label}”?"
    assert "The judge says wrong" in clip["description"]
    assert clip["focused"], "the keys work at once"
    assert {"status", "alert", "main", "heading", "slider", "group", "region"} <= {node["role"] for node in tree}
    status = next(node for node in tree if node["role"] == "status")
    assert (status["live"], status["atomic"]) == ("polite", True)
    slider = next(node for node in tree if node["role"] == "slider")
    assert slider["name"].startswith("Position in the clip")
    assert next(node["name"] for node in tree if node["role"] == "spinbutton") == "Clip number"
    image = next(node for node in tree if node["role"] == "image")
    assert image["name"].startswith("Spectrogram of sounds/")
    nameless = [
        node for node in tree if node["role"] in ("button", "slider", "spinbutton", "image") and not node["name"]
    ]
    assert nameless == []
    toggles = {node["name"]: node.get("pressed") for node in tree if node["role"] == "button" and "pressed" in node}
    assert toggles["Worst first (0 of 12)"] == "true"
    assert toggles["Random check (0 of 12)"] == "false"


def test_what_was_stored_is_said(page):
    page.press("k")
    page.now(2)
    status = next(k for k, node in enumerate(page.tree()) if node["role"] == "status")
    words = [node["name"] for node in page.tree()[status:] if node["role"] == "StaticText"]
    assert any("Stored:" in text and "kept" in text and "Clip 2 of 12" in text for text in words)


def test_by_tab_and_enter_alone(page, verdicts):
    """No mouse and no single keys: every button is reached, shows that it has the focus, and works."""
    from selenium.webdriver.common.keys import Keys

    reached = []
    while page.focus() != "keep":
        page.press(Keys.TAB)
        reached.append(page.focus())
        outline = page.browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"{reached[-1]} does not show the focus"
        assert len(reached) < 20, reached
    assert reached == ["play", "seek", "keep"]
    page.press(Keys.ENTER)
    page.now(2, "kept")
    assert page.focus() == "clip", "space plays again, and does not keep the next clip unheard"
    page.press(" ")
    page.until(lambda: page.browser.execute_script("return !document.getElementById('audio').paused"))
    page.running.interrupt()
    assert list(human(verdicts).values()) == ["keep"]


def test_typing_decides_nothing(page, verdicts):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.browser.execute_script("document.getElementById('number').focus()")
    page.press("kd?su3")
    page.press(Keys.ENTER)
    page.now(3)
    for chord in (Keys.CONTROL, Keys.ALT, Keys.META):
        ActionChains(page.browser).key_down(chord).send_keys("k").key_up(chord).perform()
    page.press("h")
    page.until(lambda: page.browser.execute_script("return document.getElementById('keylist').open"))
    page.press("kd")
    page.press(Keys.ESCAPE)
    page.browser.execute_script("document.getElementById('keys').click()")
    page.until(lambda: "Single keys are off" in page.text("status"))
    page.press("kd")
    page.press(Keys.ARROW_RIGHT)
    page.now(4)
    assert page.running.get("state")["decided"] == 0
    page.browser.execute_script("document.getElementById('keys').click()")
    page.press("k")
    page.now(5, "kept")
    page.running.interrupt()
    assert len(human(verdicts)) == 1


def test_a_key_held_down_decides_once(page):
    event = "document.getElementById('clip').dispatchEvent(new KeyboardEvent('keydown', {key: 'k', bubbles: true, repeat: arguments[0]}))"
    for repeated in (False, True, True, True):
        page.browser.execute_script(event, repeated)
    page.now(2)
    assert page.running.get("state")["decided"] == 1


def test_two_keys_at_once_decide_about_the_clip_that_was_shown(page):
    script = "for (const key of ['k', 'd']) document.dispatchEvent(Object.defineProperty(new KeyboardEvent('keydown', {key}), 'target', {value: document.body}))"
    item = page.running.get("item?list=worst&at=0")
    page.browser.execute_script(script)
    page.now(2)
    assert page.running.get("state")["decided"] == 1
    assert page.running.get("item?list=worst&at=0")["human"] == "keep", item


def test_the_random_check_gives_the_precision(browser, tmp_path):
    with Running(judged(recordings(tmp_path / "sounds", clips=24))) as running:
        _hear_the_random_check(Page(browser, running, 24))


def _hear_the_random_check(page):
    page.press("t")
    page.until(lambda: "random check" in page.text("place"))
    assert "hidden until you decide" in page.text("facts")
    assert "not yet known" in page.text("totals")
    for place in range(1, 25):
        page.press("k")
        if place < 24:
            page.now(place + 1, "kept")
    page.until(lambda: "Every clip is decided" in page.text("status"))
    assert "0 % of the rejected are wrong" in page.text("totals")
    assert "100 % of the kept are right" in page.text("totals")
    assert "In cat, dog, too many of the rejected clips are right" in page.text("withdrawn")
    assert "withdraws" in page.text("withdrawn")
    tree = page.tree()
    cells = {node["name"] for node in tree if node["role"] in ("rowheader", "columnheader", "cell", "gridcell")}
    assert {"cat", "dog", "Class", "Rejected and wrong", "Kept and right"} <= cells
    assert page.running.interrupt()["withdrawn"] == ["cat", "dog"]


def test_done(page, verdicts):
    page.press("d")
    page.now(2)
    page.browser.execute_script("document.getElementById('done').click()")
    page.until(lambda: "The review has ended" in page.text("status"))
    page.running.end()
    page.press("k")
    page.until(lambda: "the review has ended" in page.text("alert"))
    assert list(human(verdicts).values()) == ["wrong"]


def test_a_decision_that_is_not_stored_is_not_said_to_be(page):
    page.running.kill()
    page.press("k")
    page.until(lambda: "Start synth review again" in page.text("alert"))
    assert "Stored" not in page.text("status")
    assert "Clip 1 of 12" in page.text("place")


def test_a_clip_that_vanished(page, verdicts):
    item = page.running.get("item?list=worst&at=0")
    (verdicts.parent / "sounds" / item["source_id"].split("/")[1]).unlink()
    page.press("k")
    page.until(lambda: "not stored" in page.text("alert"))
    page.press("s")
    page.now(2)
    page.running.interrupt()
    assert human(verdicts) == {}


def test_names_are_text_and_never_markup(browser, tmp_path):
    bad = "<img src=x onerror=document.title='run'>"
    sources = recordings(tmp_path / "sounds")
    path = judged(sources, [row("sounds/00.wav", bad, 0.9), row("sounds/02.ogg", "a & b", 0.8)])
    with Running(path) as running:
        page = Page(browser, running, 2)
        page.until(lambda: bad in page.text("question"))
        page.press("k")
        page.until(lambda: "Stored" in page.text("status"))
        page.press("t")
        page.until(lambda: "random" in page.text("place"))
        assert browser.title != "run"
        assert browser.execute_script("return document.images.length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(page, scheme):
    """WCAG 2.2, 1.4.3: 4.5 to 1 for every text, on the colour that lies behind it."""
    page.browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {
            "features": [
                {"name": "prefers-color-scheme", "value": scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"},  # no colour is on its way to another
            ]
        },
    )
    poor = page.browser.execute_script(
        """
        const light = (c) => c.map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
            .reduce((sum, v, k) => sum + v * [.2126, .7152, .0722][k], 0);
        const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
        const found = [];
        for (const one of document.querySelectorAll("body *")) {
          if (![...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || !one.offsetParent) continue;
          if (one.closest("[aria-disabled=true], kbd, script")) continue;
          let behind = one;
          while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
          const a = light(rgb(getComputedStyle(one).color).slice(0, 3));
          const b = light(rgb(getComputedStyle(behind || document.body).backgroundColor).slice(0, 3));
          const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
          if (ratio < 4.5) found.push([one.textContent.trim().slice(0, 40), ratio]);
        }
        return found;"""
    )
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert poor == []


def test_less_motion_for_who_asked_for_less(page):
    moving = "return matchMedia('(prefers-reduced-motion: reduce)').matches || getComputedStyle(document.getElementById('keep')).transitionDuration !== '0s'"
    assert page.browser.execute_script(moving)
    page.browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    )
    still = page.browser.execute_script("return getComputedStyle(document.getElementById('keep')).transitionDuration")
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert still == "0s"


def test_a_narrow_window_needs_no_sideways_scrolling(page):
    """WCAG 2.2, 1.4.10: 320 CSS pixels."""
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": False}
    )
    wide = page.browser.execute_script("return document.documentElement.scrollWidth")
    page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide <= 320
