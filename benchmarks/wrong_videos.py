"""Videos that are answered wrongly: clean ones, altered. Their label stays that of the heart."""

from __future__ import annotations

from functools import partial

import wrong_pictures as picture
import wrong_times as time
from fault_videos import Make

ALTERED: dict[str, Make] = {
    "half of the sector black": picture.half_black,
    "a shadow over a wall": picture.shadow,
    "near or far half faded": picture.dropout,
    "frames shuffled": time.shuffled,
    "played backwards": time.backwards,
    "half of the time frozen": time.half_frozen,
    "twice as slow": partial(time.at_speed, speed=0.5),
    "twice as fast": partial(time.at_speed, speed=2.0),
    "smeared over time": time.smeared,
    "a third of a second, to and fro": time.to_and_fro,
    "squeezed to 0.7 of its width": picture.squeezed,
    "grey inverted": picture.inverted,
    "noise as strong as the picture": picture.noisy,
}
"""For the check of two answers by each other."""

DEVELOPMENT: dict[str, Make] = {
    "backwards": time.backwards,
    "frames shuffled": partial(time.shuffled, within=24),
    "pieces in another order": partial(time.pieces, length=12),
    "to and fro": time.to_and_fro,
    "interpolated": partial(time.interpolated, between=1),
    "slowed, blended": partial(time.slowed_smoothly, speed=0.5),
    "rate converted by blends": partial(time.converted, ratio=1.25),
    "repeated": partial(time.repeated, times=2),
    "half of the time frozen": time.half_frozen,
    "half of the sector black": picture.half_black,
    "a quarter of the sector black": picture.quarter_black,
    "squeezed": picture.squeezed,
    "stretched": partial(picture.squeezed, width=1 / 0.7),
    "grey inverted": picture.inverted,
    "a still that flickers": picture.flickering_still,
    "two hearts in one picture": picture.two_hearts,
    "twice as slow (allowed)": partial(time.at_speed, speed=0.5),
    "twice as fast (allowed)": partial(time.at_speed, speed=2.0),
    "sliding mean (allowed)": partial(time.smeared, seconds=(0.05, 0.1)),
    "squeezed mildly (allowed)": partial(picture.squeezed, width=0.85),
}
"""Implausible in time or picture: what signals and thresholds of gates were chosen by."""

REPORTED: dict[str, Make] = {
    "time: played backwards": partial(time.backwards, skip=5),
    "time: frames shuffled": time.shuffled,
    "time: shuffled within 8 frames": partial(time.shuffled, within=8),
    "time: pieces of 8 frames in another order": partial(time.pieces, length=8),
    "time: 16 frames to and fro": partial(time.to_and_fro, frames=16),
    "time: all of it there and back": partial(time.to_and_fro, seconds=None),
    "time: two of three frames interpolated": partial(time.interpolated, between=2),
    "time: slowed to 0.6 by blends": partial(time.slowed_smoothly, speed=0.6),
    "time: frame rate times 1.4 by blends": partial(time.converted, ratio=1.4),
    "time: each frame three times": partial(time.repeated, times=3),
    "picture: half of the sector black": partial(picture.half_black, slant=8.0),
    "picture: a quarter of its angles black": partial(picture.quarter_black, lower=False),
    "picture: squeezed to 0.6 of its width": partial(picture.squeezed, width=0.6),
    "picture: squeezed to 0.65 of its height": partial(picture.squeezed, width=1 / 0.65),
    "picture: grey inverted within the sector": partial(picture.inverted, white=255.0),
    "picture: a still that flickers": partial(picture.flickering_still, beats=None, noise=2.0),
    "picture: two hearts": partial(picture.two_hearts, share=0.4),
}
"""The same with other parameters: each must be refused 90 times of 100."""
UNSEEABLE: dict[str, Make] = {
    "time: named rate halved": partial(time.at_speed, speed=0.5),
    "time: named rate times 1.6": partial(time.at_speed, speed=1.6),
    "time: sliding mean": partial(time.smeared, seconds=(0.04, 0.08)),
    "picture: squeezed to 0.85 of its width": partial(picture.squeezed, width=0.85),
}
"""Measured and told; nothing is required of them."""
