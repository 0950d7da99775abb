"""All parameters of one made-up cine, as frozen dataclasses (lengths in mm, angles in radians)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Anatomy:
    """The heart at end diastole and how far its walls move at full contraction (a = 1)."""

    length: float  # LV long axis
    radius: float  # LV half width at its widest
    widest: float  # where it is widest, as a share of the length from the apex
    p: float  # superquadric exponents of the apical part
    q: float
    taper: float  # narrowing from the widest place to the mitral ring
    skew: float  # septal half narrower, lateral half wider by this share
    bend: float  # sideways bow of the axis, mm
    ring_tilt: float  # slope of the mitral ring against the axis
    wall: float  # wall thickness at mid level
    apex_thin: float  # apical thickness as a share of `wall`
    el: float  # longitudinal shortening at a = 1
    ew: float  # inward motion of the half width at a = 1 (solved for the EF)
    rw_centre: float  # regional abnormality: centre on the wall, -1 septal base .. +1 lateral base
    rw_width: float
    rw_depth: float  # 0 none, 1 akinetic, above 1 dyskinetic
    rv_width: float
    rv_start: float  # where the RV apex sits along the septum
    rv_wall: float
    rv_ew: float
    tapse: float
    la_height: float
    la_bulge: float
    ra_height: float
    ra_bulge: float
    papillary: float  # size of the papillary muscle, mm
    trabeculae: float
    effusion: float  # pericardial fluid, mm (mostly 0)
    ring_calcium: bool
    moderator: bool
    lead: bool  # pacing lead through RA and RV


@dataclass(frozen=True)
class Rhythm:
    """Beats and breathing."""

    r_times: tuple[float, ...]  # R peaks, s; the first lies before the cine
    ed_levels: tuple[float, ...]  # volume at each R peak as a share of the reference ED volume
    es_levels: tuple[float, ...]
    early_share: float  # part of the filling that is the E wave
    kick: bool  # atrial kick (False: fibrillation)
    ejection: float  # ejection time at RR = 1 s
    twist: float  # texture slip between inner and outer wall
    through_plane: float  # speckle exchange by motion through the plane
    breath_mm: float
    breath_hz: float
    breath_turn: float


@dataclass(frozen=True)
class Placement:
    """Where the heart lies under the probe (x to the LV's lateral side, depth downward)."""

    apex_x: float
    apex_depth: float
    turn: float


@dataclass(frozen=True)
class Machine:
    """Beam forming and grey map."""

    half_angle: float
    depth: float
    near: float  # dead zone below the probe
    beams: int
    wavelength: float
    axial: float  # pulse sigma, mm
    lateral: float  # beam sigma, rad
    focus: float
    side_lobe: float
    anisotropy: float  # how much walls along the beam fade
    blood_db: float
    outside_db: float
    gain_db: float
    range_db: float
    gamma: float
    tgc: tuple[float, ...]
    noise_db: float
    clutter_db: float
    haze_db: float
    shadows: tuple[tuple[float, float, float, float], ...]  # angle, width, start depth, dB
    persistence: float
    smooth: float


@dataclass(frozen=True)
class Screen:
    """Pixels and decoration."""

    height: int
    width: int
    scale: float  # px per mm
    origin_x: float
    origin_y: float
    flip_x: bool  # True: LV on the left of the picture
    flip_y: bool  # True: apex down
    tint: tuple[float, float, float]
    border: int  # grey level of the area outside the sector
    ecg: bool
    text: bool
    bar: bool
    ticks: bool


@dataclass(frozen=True)
class Case:
    """One cine: a pure function of (seed, index)."""

    seed: int
    index: int
    fps: float
    frames: int
    target_ef: float  # asked for; the truth is computed from the drawn contours
    anatomy: Anatomy
    rhythm: Rhythm
    placement: Placement
    machine: Machine
    screen: Screen
