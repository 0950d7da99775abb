"""The options by which a user decides about a video, shared by the commands that read one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeecho.preprocess import Handling


def parse_handling(
    time: str | None, crop: str | None, no_crop: bool, fps: float | None
) -> Handling:
    """Check them together; `UsageError` where they make no sense."""
    from edgeecho.cine import Region
    from edgeecho.common.errors import UsageError
    from edgeecho.preprocess import Handling

    if fps is not None and not 1 <= fps <= 1000:
        raise UsageError(f"--fps {fps:g} is no frame rate: give 1 to 1000 frames/s")
    region = None
    if crop is not None:
        try:
            x, y, width, height = (int(part) for part in crop.split(","))
            region = Region(x, y, width, height)
        except ValueError as error:
            raise UsageError(
                f"--crop {crop!r} is no rectangle: give X,Y,W,H in pixels, such as 80,30,480,400"
            ) from error
    return Handling(time=time, crop=region, find_sector=not no_crop)
