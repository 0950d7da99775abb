"""Contact sheet: ED and ES of the first cases of a seed other than the reserved one."""

import sys
import time

import cv2
import numpy as np

from apart import draw, render

cv2.setNumThreads(1)
SEED, N, OUT, OUTLINE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], len(sys.argv) > 4
tiles = []
for i in range(N):
    case = draw(SEED, i)
    start = time.process_time()
    cine = render(case)
    spent = time.process_time() - start
    ed, es = cine.beats[0]
    row = []
    for k in (ed, es):
        f = cine.frames[k].copy()
        if OUTLINE:
            cs, _ = cv2.findContours(
                cine.masks[k].astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            cv2.drawContours(f, cs, -1, (255, 60, 60), 1)
        h, w = f.shape[:2]
        scale = 330 / h
        f = cv2.resize(
            f, (int(w * scale), 330), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        )
        if f.shape[1] > 330:
            cut = (f.shape[1] - 330) // 2
            f = f[:, cut : cut + 330]
        row.append(f)
    tiles.append(np.hstack(row))
    print(
        i,
        case.screen.width,
        case.frames,
        round(case.fps),
        f"target {case.target_ef:.1f} ef {cine.ef:.1f}",
        f"EDV {cine.volumes[ed]:.0f} beats {len(cine.beats)} cpu {spent:.2f} s "
        f"mean {cine.frames.mean():.0f}",
        flush=True,
    )
rows = [
    np.hstack(
        [
            cv2.copyMakeBorder(t, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(90, 90, 0))
            for t in tiles[i : i + 3]
        ]
    )
    for i in range(0, N, 3)
]
cv2.imwrite(OUT, np.vstack(rows)[..., ::-1])
