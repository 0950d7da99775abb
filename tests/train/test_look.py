"""Random looks alter what a scanner would, and nothing that the EF is read from."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from edgeecho_train.look import Look, draw_look

RNG = np.random.default_rng(0)
FRAMES = RNG.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


def plain(level: int = 100) -> np.ndarray:
    return np.full((2, 33, 33, 3), level, np.uint8)


def shown(look: Look, frames: np.ndarray) -> np.ndarray:
    return look.frames(frames, np.random.default_rng(1))


def test_no_look_alters_nothing() -> None:
    assert np.array_equal(shown(Look(), FRAMES), FRAMES)


def test_gain_curve_and_black_are_those_of_a_grey_table() -> None:
    assert shown(Look(gain=1.5), plain()).max() == 150
    assert shown(Look(gain=4.0), plain()).max() == 255
    assert shown(Look(curve=2.0), plain(51)).max() == round(255 * 0.2**2)
    assert shown(Look(black=0.5), plain(127)).max() == 0
    assert shown(Look(black=0.5), plain(255)).max() == 255


def test_depth_gain_is_by_rows() -> None:
    rows = shown(Look(depth_gain=(0.5, 1.0, 2.0)), plain())[0, :, 5, 0]
    assert (rows[0], rows[16], rows[32]) == (50, 100, 200)
    assert np.all(np.diff(rows.astype(int)) >= 0)


def test_a_shadow_falls_in_its_direction() -> None:
    frame = shown(Look(shadow=(0.4, 0.1, 0.8)), plain())[0, :, :, 0]
    # At 20 rows below the probe, tan 0.4 to the right.
    assert int(frame[19, 16 + round(20 * np.tan(0.4))]) == pytest.approx(20, abs=4)
    assert frame[19, 16] == 100
    assert frame[19, 8] == 100


def test_the_turn_is_about_the_probe_and_masks_follow_the_frames() -> None:
    frames, masks = np.zeros((1, 33, 33, 3), np.uint8), np.zeros((1, 33, 33), np.uint8)
    frames[0, 20:26, 14:19], masks[0, 20:26, 14:19] = 200, 1
    look = Look(turn=0.3, stretch=(1.2, 0.9))
    seen, moved = shown(look, frames)[0, :, :, 0] > 100, look.masks(masks)[0] > 0
    assert (seen & moved).sum() / (seen | moved).sum() > 0.75
    # The middle of the block, 22 rows below the probe at (16, 0), turned by 0.3 to the left.
    x, y = 16 - 22.5 * np.sin(0.3), 22.5 * np.cos(0.3)
    columns, rows = np.nonzero(moved.T)
    assert columns.mean() == pytest.approx(16 + 1.2 * (x - 16), abs=0.6)
    assert rows.mean() == pytest.approx(16 + 0.9 * (y - 16), abs=0.6)
    assert moved.sum() == pytest.approx(30 * 1.2 * 0.9, rel=0.2)


def test_grain_and_noise_leave_black_black_and_are_new_in_each_frame() -> None:
    frames = plain()
    frames[:, :, :10] = 0
    seen = shown(Look(grain=0.2, noise=5.0), frames)
    assert seen[:, :, :10].max() == 0
    assert np.array_equal(seen[..., 0], seen[..., 2])
    lit = seen[:, :, 10:, 0].astype(float)
    assert lit.std() == pytest.approx(np.hypot(0.2 * 100, 5), rel=0.1)
    assert abs(np.corrcoef(lit[0].ravel(), lit[1].ravel())[0, 1]) < 0.15


def test_blur_smooths_and_sharpening_does_the_reverse() -> None:
    def steps(look: Look) -> float:
        return float(np.abs(np.diff(shown(look, FRAMES // 4 + 96).astype(float), axis=1)).mean())

    assert steps(Look(blur=0.8)) < 0.6 * steps(Look()) < 0.6 * steps(Look(blur=-0.5))


def test_a_drawn_look_is_the_generators_and_every_part_is_tried_and_absent() -> None:
    assert draw_look(np.random.default_rng(3)) == draw_look(np.random.default_rng(3))
    drawn = [draw_look(np.random.default_rng(seed)) for seed in range(60)]
    for field in fields(Look):
        values = [getattr(look, field.name) for look in drawn]
        absent = (
            [look.shadow[2] == 0 for look in drawn]
            if field.name == "shadow"
            else [value == field.default for value in values]
        )
        assert any(absent), field.name
        assert not all(absent), field.name
