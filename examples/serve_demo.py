"""`make serve-demo`: page, REST API and DICOM node on the demo model, and what to try with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from as_dicom import write_dicom
from pydicom.examples import get_path

CLONE = Path(__file__).resolve().parents[1]
VIDEO = CLONE / "examples" / "phantoms" / "Videos" / "phantom-s21-00003.avi"
STATE = CLONE / "build" / "serve-demo"
PAGE, NODE = 8117, 11112


def main() -> None:
    """Wrap a phantom as DICOM, say what to do, and become the service."""
    STATE.mkdir(parents=True, exist_ok=True)
    phantom = STATE / "phantom.dcm"
    write_dicom(VIDEO, phantom)
    print(f"Page: http://127.0.0.1:{PAGE} (drop examples/phantoms/Videos/*.avi on it)")
    print("DICOM node: in another terminal, with dcmtk,")
    print(f"    storescu -xy -aec EDGEECHO localhost {NODE} {phantom}")
    print(f"    storescu -xy -aec EDGEECHO localhost {NODE} {get_path('ybr_color')}")
    print("and, once nothing more of their studies has come for 5 s,")
    print(f"    dsrdump {STATE / 'sr'}/*.dcm\n", flush=True)
    edgeecho = Path(sys.executable).with_name("edgeecho")
    words = ["serve", "--port", PAGE, "--dicom-port", NODE, "--state", STATE, "--out", STATE / "sr"]
    words += ["--quiet", 5]
    os.execv(edgeecho, [str(edgeecho), *map(str, words)])


if __name__ == "__main__":
    main()
