"""What a browser records is whole: made by a real Chromium's MediaRecorder."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from chromium import Browser, open_browser

from edgeecho.cine import Cine, read_cine

_PAGE = """<!doctype html><canvas width="112" height="112"></canvas><script>
async function record(type, sound, slice_ms, stall_ms) {
  const canvas = document.querySelector("canvas"), pen = canvas.getContext("2d");
  const stream = canvas.captureStream();
  if (sound) {
    const audio = new AudioContext(), tone = audio.createOscillator();
    const voice = audio.createMediaStreamDestination();
    tone.connect(voice);
    tone.start();
    await audio.resume();
    stream.addTrack(voice.stream.getAudioTracks()[0]);
  }
  const recorder = new MediaRecorder(stream, {mimeType: type}), parts = [];
  recorder.ondataavailable = event => parts.push(event.data);
  const stopped = new Promise(done => recorder.onstop = done);
  recorder.start(...(slice_ms ? [slice_ms] : []));
  for (let n = 0; n < 40; n++) {
    pen.fillStyle = `rgb(${6 * n}, 80, 80)`;
    pen.fillRect(0, 0, 112, 112);
    await new Promise(done => setTimeout(done, n == 20 ? stall_ms : 25));
  }
  recorder.stop();
  await stopped;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
}
</script>"""
KINDS = [
    "video/webm;codecs=vp8",
    "video/webm;codecs=vp9",
    "video/webm;codecs=vp8,opus",
    "video/webm;codecs=vp9,opus",
    "video/mp4;codecs=vp9",
    "video/mp4;codecs=vp9,opus",
    # Chromium is built with or without these.
    "video/webm;codecs=h264",
    "video/mp4;codecs=avc1.42001f",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    page = folder / "page.html"
    page.write_text(_PAGE, encoding="utf-8")
    for browser in open_browser(folder / "profile"):
        browser.open(page)
        yield browser


def recorded(browser: Browser, kind: str, path: Path, slice_ms: int, stall_ms: int) -> Path:
    """A second and more of it; with a sound where `kind` names a codec for that."""
    if not browser.run(f"MediaRecorder.isTypeSupported('{kind}')"):
        pytest.skip(f"this Chromium records no {kind}")
    sound = str("opus" in kind).lower()
    answer = browser.send(
        "Runtime.evaluate",
        expression=f"record('{kind}', {sound}, {slice_ms}, {stall_ms})",
        returnByValue=True,
        awaitPromise=True,
        userGesture=True,  # else there is no sound
    )
    path.write_bytes(base64.b64decode(answer["result"]["value"]))
    return path


def shown(path: Path) -> int:
    """Frames that FFmpeg shows."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def whole(path: Path) -> Cine:
    """It, checked."""
    cine = read_cine(path)
    assert len(cine.frames) == shown(path) >= 20
    assert (cine.damage, cine.missing) == ((), 0)
    assert 10 < (cine.fps or 0) < 70
    return cine


@pytest.mark.parametrize("slice_ms", [0, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_is_whole(browser: Browser, tmp_path: Path, kind: str, slice_ms: int) -> None:
    cine = whole(recorded(browser, kind, tmp_path / "a", slice_ms, 25))
    assert 0.8 < cine.timestamps_s[-1] < 4
    red = cine.frames[:, 56, 56, 0].astype(int)
    assert red[-1] > red[0] + 150, "the first and the last picture that were drawn"


@pytest.mark.parametrize("kind", ["video/webm;codecs=vp9,opus", "video/mp4;codecs=vp9"])
def test_a_page_that_stood_still_is_whole(browser: Browser, tmp_path: Path, kind: str) -> None:
    cine = whole(recorded(browser, kind, tmp_path / "a", 100, 400))
    assert (cine.timestamps_s[1:] - cine.timestamps_s[:-1]).max() > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["video/webm;codecs=vp8", "video/mp4;codecs=vp9,opus"])
def test_a_recording_without_its_end_is_called_that(
    browser: Browser, tmp_path: Path, kind: str
) -> None:
    path = recorded(browser, kind, tmp_path / "a", 100, 25)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    assert read_cine(path).damage[0] == "the file is cut short"
