"""The traced frames and masks that a segmentation learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from segmentation_run import OPTIONS, SPEC, TINY, edit, examples, go, load

from edgeecho.cine import read_cine
from edgeecho.common.errors import InputError
from edgeecho.dataset import read_dataset
from edgeecho.dataset.tracings import read_tracings
from edgeecho_train.data import ClipKey
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.truth import masks, tracings

pytestmark = pytest.mark.slow


def test_the_two_frames_are_those_of_the_tracings_with_diastole_first(phantoms: Path) -> None:
    found = examples(phantoms)
    tracings = read_tracings(phantoms)
    for index, video in enumerate(read_dataset(phantoms, split="TRAIN")):
        ed, es = sorted(tracings[video.name], key=lambda t: -t.area)
        frames, filled = found[ClipKey(-1, index)]
        assert (frames.shape, filled.shape) == ((3, 2, 112, 112), (2, 112, 112))
        shown = read_cine(video.path).frames[[ed.frame, es.frame]]
        expected = (shown.astype(np.float32) - 30) / 50
        np.testing.assert_allclose(frames.permute(1, 2, 3, 0), expected, atol=1e-6)
        assert filled[0].sum() > filled[1].sum()
        assert torch.equal(filled[0] > 0, torch.from_numpy(ed.mask(112, 112)))
        assert torch.equal(filled[1] > 0, torch.from_numpy(es.mask(112, 112)))


def test_a_video_with_more_traced_frames_is_a_pair_for_each_two(changed: Path) -> None:
    two = examples(changed)
    recipe, videos = PhantomRecipe(seed=158, frames=70), read_dataset(changed, split="TRAIN")

    def further(table: list[dict[str, str]]) -> list[dict[str, str]]:
        for place, video in enumerate(videos):
            phantom, _ = draw_phantom(recipe, int(video.name.rpartition("-")[2]))
            # The first has as many as it had, the second an odd number.
            count = (2, 5)[place] if place < 2 else 6
            for tracing in tracings(phantom, count, np.random.default_rng(3))[2:]:
                for (x1, y1), (x2, y2) in tracing.lines_px:
                    ends = {"X1": x1, "Y1": y1, "X2": x2, "Y2": y2, "Frame": tracing.frame}
                    row = {name: str(value) for name, value in ends.items()}
                    table.append({"FileName": f"{video.name}.avi", **row})
        return table

    edit(changed, further)
    outlines = read_tracings(changed)
    found = examples(changed)
    assert len(two) == two.videos_used == found.videos_used == len(videos)
    assert len(found) == 1 + 3 * (len(videos) - 1)
    for one, other in zip(found[ClipKey(0, 0)], two[ClipKey(0, 0)], strict=True):
        assert torch.equal(one, other)
    place = 1
    for video in videos[1:]:
        traced = sorted(outlines[video.name], key=lambda tracing: tracing.area)
        shown = read_cine(video.path).frames
        for pair in range(3):
            frames, filled = found[ClipKey(-1, place)]
            place += 1
            for side, tracing in enumerate((traced[-1 - pair], traced[pair])):
                assert torch.equal(filled[side] > 0, torch.from_numpy(tracing.mask(112, 112)))
                expected = (shown[tracing.frame].astype(np.float32) - 30) / 50
                np.testing.assert_allclose(frames[:, side].permute(1, 2, 0), expected, atol=1e-6)
    go(changed, changed / "run", replace(TINY, epochs=1))
    data = load(changed / "run" / "best.pt")["provenance"]["data"]
    assert data["n_train"] == len(videos)


def test_which_is_diastole_does_not_follow_from_the_order(phantoms: Path, changed: Path) -> None:
    def reverse(table: list[dict[str, str]]) -> list[dict[str, str]]:
        order = list(dict.fromkeys((row["FileName"], row["Frame"]) for row in table))[::-1]
        return sorted(table, key=lambda row: order.index((row["FileName"], row["Frame"])))

    edit(changed, reverse)
    for same, other in zip(examples(phantoms).masks, examples(changed).masks, strict=True):
        assert np.array_equal(same, other)


def test_a_traced_mask_is_the_true_one_without_half_a_disc_at_its_ends(phantoms: Path) -> None:
    index = int(read_dataset(phantoms, split="TRAIN")[0].name.rpartition("-")[2])
    phantom, _ = draw_phantom(PhantomRecipe(seed=158, frames=70), index)
    true, (ed, es) = masks(phantom), sorted(read_tracings(phantoms)[phantom.name],
                                            key=lambda t: -t.area)  # fmt: skip
    for tracing in (ed, es):
        traced = tracing.mask(112, 112)
        missing = true[tracing.frame] & ~traced
        assert 0.01 < missing.sum() / true[tracing.frame].sum() < 0.08


def test_the_crop_moves_frame_and_mask_alike_and_depends_on_the_key_alone(phantoms: Path) -> None:
    plain, moved = examples(phantoms), examples(phantoms, pad=12)
    still_frames, still_mask = plain[ClipKey(0, 1)]
    frames, mask = moved[ClipKey(0, 1)]
    assert not torch.equal(frames, still_frames)
    down, right = (
        round(float(a - b)) for a, b in zip(middle(mask), middle(still_mask), strict=True)
    )
    assert abs(down) <= 12
    assert abs(right) <= 12
    inner = slice(24, 88)
    shifted = frames.roll((-down, -right), (2, 3))
    assert torch.equal(shifted[..., inner, inner], still_frames[..., inner, inner])
    assert torch.equal(moved[ClipKey(0, 1)][0], frames)
    assert torch.equal(moved[ClipKey(-1, 1)][0], still_frames)


def middle(mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
    _, y, x = torch.nonzero(mask, as_tuple=True)
    return y.double().mean(), x.double().mean()


def test_masks_go_where_the_picture_goes_when_it_is_resized(phantoms: Path) -> None:
    half = examples(phantoms, spec=replace(SPEC, size=56)).masks
    for small, large in zip(half, examples(phantoms).masks, strict=True):
        # [1, y, x]: pixels of half the size have their centres between those of four.
        centre, large_centre = np.argwhere(small).mean(axis=0), np.argwhere(large).mean(axis=0)
        np.testing.assert_allclose(centre[1:], (large_centre[1:] - 0.5) / 2, atol=0.2)
        assert small.sum() == pytest.approx(large.sum() / 4, rel=0.05)


def test_videos_whose_tracings_are_of_no_use_are_left_out_counted_and_named(
    changed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one, two, three, four, *others = (v.name for v in read_dataset(changed, split="TRAIN"))

    def spoil(table: list[dict[str, str]]) -> list[dict[str, str]]:
        kept, seen = [], dict[str, int]()
        for row in table:
            name = row["FileName"].removesuffix(".avi")
            seen[name] = place = seen.get(name, -1) + 1
            if name == one and place >= 21:  # the second frame is gone
                continue
            if name == two and place == 10:  # the ends of one chord are swapped
                row |= {"X1": row["X2"], "Y1": row["Y2"], "X2": row["X1"], "Y2": row["Y1"]}
            if name == three and place == 12:
                row["X2"] = "130"
            if name == four:
                row["Frame"] = str(int(row["Frame"]) + 70)
            kept.append(row)
        return kept

    edit(changed, spoil)
    found = examples(changed)
    assert found.left_out == {
        "fewer than two traced frames": 1,
        "an outline that crosses itself": 1,
        "an outline that leaves the picture": 1,
        "a frame that the video lacks": 1,
    }
    assert len(found) == len(others)
    told = capfd.readouterr().err
    assert f"left out: 1 of {len(others) + 4} TRAIN videos with an outline that crosses" in told
    assert f"the first is {two}" in told
    go(changed, changed / "run", replace(TINY, epochs=1))
    data = load(changed / "run" / "best.pt")["provenance"]["data"]
    assert data["n_train"] == len(others)
    assert data["left_out"] == {"TRAIN": found.left_out}


def test_a_data_set_without_usable_tracings_is_an_input_error(
    edgeecho: Any, changed: Path, tmp_path: Path
) -> None:
    edit(changed, lambda table: [row for row in table if row["Frame"] == table[0]["Frame"]])
    with pytest.raises(InputError, match="TRAIN videos has two usable outlines"):
        examples(changed)
    (changed / "VolumeTracings.csv").unlink()
    done = edgeecho("train", changed, "--out", tmp_path / "run", *OPTIONS)
    assert done.returncode == 3
    assert "has no VolumeTracings.csv" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_look_moves_the_masks_with_the_frames(phantoms: Path) -> None:
    plain, looked = examples(phantoms), examples(phantoms, look=True)
    assert torch.equal(looked[ClipKey(-1, 0)][1], plain[ClipKey(-1, 0)][1])
    moved = 0
    for epoch in range(8):
        (frames, masks), (before, still) = looked[ClipKey(epoch, 0)], plain[ClipKey(epoch, 0)]
        assert not torch.equal(frames, before)
        assert set(masks.unique().tolist()) == {0.0, 1.0}
        moved += not torch.equal(masks, still)
        # The ventricle is darker than what surrounds it, wherever it is now.
        inside = frames.mean(dim=0)[masks > 0].mean()
        around = frames.mean(dim=0)[_grown(masks) & (masks == 0)].mean()
        assert inside < around
    assert 4 <= moved <= 8


def _grown(masks: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.max_pool2d(masks[None], 9, stride=1, padding=4)[0] > 0
