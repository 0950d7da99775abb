"""The page in a real browser, as a user gets it from `edgeecho infer --html`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import media
import pytest
from chromium import CONTRAST, problems

from edgeecho.cli.app import main
from edgeecho.inference import estimate_ready, read_ready
from edgeecho.trust import Interval, Probabilities, Refusal

REFUSAL = Refusal("frozen", "all frames are one picture: record a moving one")
NAMES = ["a.avi", "<script>document.title='run'<", "\u202eodd \"quotes' & <b>bold<.avi"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of six files: three that are sound, one without a rate and damaged, one that is no video, and
    one that is refused. The first has an interval. `results.json` beside it holds the same answers.
    """
    folder = tmp_path_factory.mktemp("page")
    for i, name in enumerate(NAMES):
        made = media.write_video(folder / f"{i}.avi", frames=media.phantom_frames()[i:])
        made.rename(folder / name)
    odd = media.write_avi(folder / "no-rate.avi", media.jpegs(), rate=0, microseconds=0)
    odd.write_bytes(media.cut(90)(odd.read_bytes()))
    (folder / "text.avi").write_text("text")
    refused = media.write_video(folder / "refused.avi")
    files = [*(folder / name for name in NAMES), odd, folder / "text.avi", refused]
    patch, out = pytest.MonkeyPatch(), folder / "page.html"
    paths = {}

    def read(path: Path, *args: Any, **options: Any) -> Any:
        ready = read_ready(path, *args, **options)
        paths[ready] = path
        return ready

    def judge(ready: Any, *args: Any, **options: Any) -> Any:
        sure = paths[ready].name == NAMES[0]
        return replace(
            estimate_ready(ready, *args, **options),
            interval=Interval(40.1, 88.2, 0.9, "phantoms") if sure else None,
            probabilities=Probabilities(0.07, 0.71) if sure else None,
            refusals=(REFUSAL,) if paths[ready] == refused else (),
        )

    with patch.context() as context:
        context.setattr("edgeecho.batch.task.read_ready", read)
        context.setattr("edgeecho.batch.task.estimate_ready", judge)
        words = ["edgeecho", "infer", *map(str, files), "--html", str(out), "--json"]
        context.setattr("sys.argv", words)
        context.setattr("typer.echo", lambda text, **_: (folder / "results.json").write_text(text))
        with pytest.raises(SystemExit) as stop:
            main()
    assert stop.value.code == 3
    return out


@pytest.mark.slow
def test_it_opens_from_a_file_without_a_word_or_a_request(browser: Any, page: Path) -> None:
    browser.open(page)
    asked = [e["params"]["request"]["url"] for e in browser.events
             if e["method"] == "Network.requestWillBeSent"]  # fmt: skip
    assert [url for url in asked if url.startswith("file:")] == [page.as_uri()]
    assert problems(browser, "file:", "data:") == []


def test_what_the_policy_forbids_is_reported_and_not_run(browser: Any, page: Path) -> None:
    # So that the silence above means something.
    bad = page.with_name("bad.html")
    inserted = "<script>document.title='run'</script><img src='https://example.org/a.png'>"
    bad.write_text(page.read_text().replace("<main>", f"<main>{inserted}"))
    browser.open(bad)
    assert len(problems(browser, "file:", "data:")) >= 2
    assert browser.run("document.title") != "run"


def test_it_shows_the_same_answers_as_the_json(browser: Any, page: Path) -> None:
    browser.open(page)
    results = json.loads(page.with_name("results.json").read_text())["results"]
    efs = [r["ef"] for r in results if "ef" in r]
    exact = browser.run("[...document.querySelectorAll('.ef data')].map(d => Number(d.value))")
    shown = browser.run("[...document.querySelectorAll('.ef data')].map(d => d.textContent)")
    assert exact == efs
    assert shown == [f"{ef:.1f}" for ef in efs]
    clips = browser.run("[...document.querySelectorAll('.clips tbody tr td:last-child')]"
                        ".map(d => d.textContent)")  # fmt: skip
    assert clips == [f"{ef:.1f}" for r in results if "ef" in r for ef in r["clip_efs"]]
    errors = browser.run("[...document.querySelectorAll('.failed p')].map(p => p.textContent)")
    assert errors == [f"No answer. {r['error']}" for r in results if "error" in r]


def test_a_refused_file_has_its_reason_and_frames_but_no_ef(browser: Any, page: Path) -> None:
    browser.open(page)
    article = "document.querySelector('#file-6')"
    shown = browser.run(f"{article}.innerText")
    assert "Refused" in shown
    assert REFUSAL.reason.capitalize() in shown
    assert browser.run(f"{article}.querySelectorAll('.ef, data, .scale, .curve').length") == 0
    # Its player moves without a curve.
    browser.run(f"{article}.querySelector('input').focus()")
    browser.press("Home", 36)
    browser.press("ArrowRight", 39)
    assert browser.run(f"{article}.querySelector('output').textContent") == "frame 1, 0.02 s"
    assert problems(browser, "file:", "data:") == []


def test_file_names_are_shown_and_not_run(browser: Any, page: Path) -> None:
    browser.open(page)
    assert browser.run("document.title").startswith("EF report")
    names = browser.run("[...document.querySelectorAll('h2 bdi')].map(b => b.textContent)")
    assert names == [*NAMES, "no-rate.avi", "text.avi", "refused.avi"]
    assert browser.run("document.querySelectorAll('script').length") == 1


def test_the_player_plays_at_the_videos_speed(browser: Any, page: Path) -> None:
    browser.open(page)
    browser.run("window.first = document.querySelector('canvas').toDataURL()")
    assert browser.run("document.querySelector('.player input').value") == "16"
    # Times as the page's own clock and the player's text tell them.
    played = browser.run("""
      new Promise(done => {
        const player = document.querySelector('.player');
        const time = () => parseFloat(player.querySelector('output').textContent.split(',')[1]);
        const [begin, from] = [performance.now(), time()];
        player.querySelector('button').click();
        setTimeout(() => done([from, time(), (performance.now() - begin) / 1000]), 700);
      })""")
    begin, end, passed = played
    assert begin == 0.32
    # The video is 2 s long, and goes round.
    assert (end - begin) % 2 == pytest.approx(passed % 2, abs=0.15)
    assert browser.run("document.querySelector('canvas').toDataURL() != window.first")
    assert browser.run("document.querySelector('.player button').textContent") == "Pause"
    assert browser.run("document.querySelectorAll('.player')[1].querySelector('button')"
                       ".textContent") == "Play"  # fmt: skip


def test_keys_play_pause_and_step(browser: Any, page: Path) -> None:
    browser.open(page)
    button, slider = "document.querySelector('.player button')", "document.querySelector('input')"
    for _ in range(30):
        browser.press("Tab", 9)
        if browser.run(f"document.activeElement === {button}"):
            break
    assert browser.run(f"{button}.matches(':focus-visible')")
    assert browser.run(f"getComputedStyle({button}).outlineStyle") == "solid"
    browser.press(" ", 32, " ")
    browser.wait(f"{button}.textContent == 'Pause' && {slider}.value != '16'")
    browser.press(" ", 32, " ")
    assert browser.run(f"{button}.textContent") == "Play"
    browser.press("Tab", 9)
    assert browser.run(f"document.activeElement === {slider}")
    browser.press("Home", 36)
    assert browser.run(f"{slider}.getAttribute('aria-valuetext')") == "frame 0, 0.00 s"
    browser.run("window.first = document.querySelector('canvas').toDataURL()")
    for _ in range(3):
        browser.press("ArrowRight", 39)
    assert browser.run("document.querySelector('output').textContent") == "frame 3, 0.06 s"
    assert browser.run("document.querySelector('canvas').toDataURL() != window.first")
    # 3 of 99 frames of 0.02 s from the left of the curve.
    assert browser.run("parseFloat(document.querySelector('.cursor').getAttribute('x1'))") == (
        pytest.approx(100 * 3 / 99, abs=0.1)
    )


@pytest.mark.parametrize("still", [False, True])
def test_nothing_moves_by_itself(browser: Any, page: Path, still: bool) -> None:
    browser.open(page, still=still)
    state = "[...document.querySelectorAll('.player input')].map(i => i.value)"
    before = browser.run(state)
    browser.run("new Promise(done => setTimeout(done, 300))")
    assert browser.run(state) == before


def test_each_frame_of_the_sheet_is_that_of_the_player(browser: Any, page: Path) -> None:
    browser.open(page)
    numbers = browser.run("[...document.querySelector('.sheet').children].map(l => l.innerText)")
    assert len(numbers) == 32
    assert numbers[0].split() == ["16", "0.32", "s"]
    boxes = browser.run("[...document.querySelector('.sheet').querySelectorAll('svg')]"
                        ".map(s => s.getAttribute('viewBox'))")  # fmt: skip
    assert boxes[:2] == ["0 112 112 112", "224 112 112 112"]
    assert browser.run("document.querySelector('.sheet use').getBBox().width") == 16 * 112


def test_without_a_frame_rate_there_are_frames_and_no_seconds(browser: Any, page: Path) -> None:
    browser.open(page)
    article = "document.querySelector('#file-4')"
    assert browser.run(f"{article}.querySelector('output').textContent") == "frame 0"
    assert browser.run(f"{article}.querySelector('.curve > text:last-of-type').textContent") == (
        "frames"
    )
    assert "damaged file" in browser.run(f"{article}.querySelector('.warnings').textContent")
    assert "25 frames/s" in browser.run(f"{article}.querySelector('figcaption').textContent")


@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_nothing_is_wider_than_the_screen(browser: Any, page: Path, width: int) -> None:
    browser.open(page, width)
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    room = browser.run("document.documentElement.clientWidth")
    assert browser.run("document.documentElement.scrollWidth") <= room
    wide = browser.run("[...document.querySelectorAll('main *')].filter(e => e.checkVisibility() "
                       f"&& e.getBoundingClientRect().right > {room} && !e.closest('defs, use'))"
                       ".map(e => e.outerHTML.slice(0, 80))")  # fmt: skip
    assert wide == []


def test_a_telephone_shows_intervals_and_why_no_number_is_given(browser: Any, page: Path) -> None:
    browser.open(page, 375)
    seen = browser.run("document.querySelector('.summary').innerText")
    rows = [line for line in seen.splitlines() if line.strip()]
    assert sum("40.1 to 88.2" in row for row in rows) == 1
    assert sum("refused" in row and "frozen" in row for row in rows) == 1
    columns = browser.run(
        "[...document.querySelectorAll('.summary tr')].map(row => [...row.cells]"
        ".filter(c => c.checkVisibility()).map(c => c.getBoundingClientRect().x))"
    )
    # Each row's cells begin where those of the heading do.
    assert {len(row) for row in columns} == {3}
    assert len({tuple(row) for row in columns}) == 1


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_stands_out(browser: Any, page: Path, dark: bool) -> None:
    browser.open(page, dark=dark)
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    worst = browser.run(CONTRAST)
    assert worst["ratio"] >= 4.5, worst
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(243, 245, 248)") != dark


def test_every_picture_and_control_has_a_name(browser: Any, page: Path) -> None:
    browser.open(page)
    tree = browser.send("Accessibility.getFullAXTree")["nodes"]
    named = [n for n in tree if n.get("role", {}).get("value")
             in ("image", "button", "slider", "link", "heading", "article")]  # fmt: skip
    assert len(named) > 100
    assert [n for n in named if not n.get("name", {}).get("value")] == []


@pytest.mark.slow
def test_it_prints_without_controls(browser: Any, page: Path, tmp_path: Path) -> None:
    browser.open(page)
    browser.pdf(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    browser.send("Emulation.setEmulatedMedia", media="print", features=[])
    assert not browser.run("document.querySelector('.controls').checkVisibility()")
    assert browser.run("document.querySelector('canvas').checkVisibility()")
    browser.send("Emulation.setEmulatedMedia", media="", features=[])
