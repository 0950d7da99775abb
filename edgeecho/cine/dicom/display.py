"""Converting stored values to the grey levels or colours of a display, 8 bits per sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from edgeecho.cine.dicom.attributes import Layout, numbers, text
from edgeecho.cine.dicom.file import DicomFile
from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.common.errors import InputError


class Display:
    """A lookup table from stored to displayed values, computed once for a file.

    - Unsigned 8-bit values stay as they are. They are not windowed, because the clips that models
      are trained on were not windowed either.
    - Other depths of grey use the first WindowCenter and WindowWidth, after RescaleSlope and
      RescaleIntercept (PS3.3, C.11.1.1.2, C.11.2.1.2 and C.11.2.1.3). Without a window, and for
      colour, the whole range of BitsStored maps to 0..255, negative values included.
    - MONOCHROME1 is then inverted: low values are bright (PS3.3, C.7.6.3.1.2).
    - PALETTE COLOR uses its own table, and the upper byte of 16-bit entries (C.7.6.3.1.5).

    Values outside the range are clipped; none wraps around.
    """

    def __init__(self, file: DicomFile, layout: Layout) -> None:
        self._unsigned = np.dtype(f"u{layout.bits_allocated // 8}")
        every = np.arange(2**layout.bits_allocated, dtype=self._unsigned)
        stored = every.view(f"i{layout.bits_allocated // 8}") if layout.signed else every
        if layout.photometric == "PALETTE COLOR":
            self._table = _palette(stored, file)
        else:
            self._table = _grey(stored, file.dataset, layout)
        if layout.photometric == "MONOCHROME1":
            self._table = 255 - self._table
        self._as_they_are = layout.samples == 3 and bool((self._table == every).all())

    def show(self, stored: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Convert stored values `(H, W)` or `(H, W, 3)` to RGB `(H, W, 3)`."""
        if self._as_they_are:
            return stored.astype(np.uint8, copy=False)
        native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        shown: NDArray[np.uint8] = np.take(self._table, native.view(self._unsigned), axis=0)
        return np.repeat(shown[..., None], 3, axis=-1) if shown.ndim == 2 else shown


def _grey(stored: NDArray[np.generic], dataset: Dataset, layout: Layout) -> NDArray[np.uint8]:
    values = stored.astype(np.float64)
    if layout.bits_stored == 8 and not layout.signed:
        return _to_bytes(values)
    window = None if layout.samples == 3 else _window(dataset)
    if window is None:
        low = -(2 ** (layout.bits_stored - 1)) if layout.signed else 0
        return _to_bytes((values - low) * 255 / (2**layout.bits_stored - 1))
    centre, width = window
    slope, intercept = _first(dataset, "RescaleSlope"), _first(dataset, "RescaleIntercept")
    values = values * (1 if slope is None else slope) + (intercept or 0)
    function = text(dataset, "VOILUTFunction")
    if function == "SIGMOID":
        return _to_bytes(255 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -500, 500))))
    if function == "LINEAR_EXACT":
        return _to_bytes(((values - centre) / width + 0.5) * 255)
    # A width of 1 is a threshold: every value is then below or above the window.
    return _to_bytes(((values - centre + 0.5) / max(width - 1, 1e-9) + 0.5) * 255)


def _to_bytes(grey: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.asarray(np.rint(grey.clip(0, 255)), np.uint8)


def _window(dataset: Dataset) -> tuple[float, float] | None:
    centre, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    return None if centre is None or width is None or width < 1 else (centre, width)


def _first(dataset: Dataset, keyword: str) -> float | None:
    values = numbers(dataset, keyword)
    return float(values[0]) if len(values) else None


def _palette(stored: NDArray[np.generic], file: DicomFile) -> NDArray[np.uint8]:
    """RGB `(N, 3)` of N stored values; `InputError` without a usable table."""
    try:
        if file.pixels.big_endian:
            _swap_tables(file.dataset)
        colours = apply_color_lut(stored, file.dataset)
    except DAMAGE:
        colours = np.empty((0, 0))
    # pydicom indexes in the entries' own type, and 8 bits do not reach beyond entry 255.
    entries = numbers(file.dataset, "RedPaletteColorLookupTableDescriptor")
    too_long = len(entries) == 3 and not 1 <= entries[0] <= 256 and colours.dtype.itemsize == 1
    if colours.shape != (len(stored), 3) or too_long:
        raise InputError(f"{file.name}: its colour table is damaged or missing: export it as RGB")
    # Some writers put 8-bit values into 16-bit entries.
    return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)


def _swap_tables(dataset: Dataset) -> None:
    """Swap bytes, because pydicom reads big-endian 16-bit words as little endian (PS3.5, 7.3)."""
    for colour in ("Red", "Green", "Blue"):
        element = dataset.get_item(f"{colour}PaletteColorLookupTableData")
        if element is not None and element.VR == "OW":
            words = np.frombuffer(bytes(element.value), np.uint16).byteswap()
            setattr(dataset, f"{colour}PaletteColorLookupTableData", words.tobytes())
