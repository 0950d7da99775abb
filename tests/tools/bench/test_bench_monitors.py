"""What nvidia-smi and tegrastats print, as others have published it: none is from our runs."""

from __future__ import annotations

import pytest

from edgeecho.tools.bench.device import nvidia_smi, tegrastats
from edgeecho.tools.bench.device.watch import Range, summarise_lines

# The boards are those that were named with the lines; of the TX2 and the Xavier NX, JetPack's
# version is told by the form only. Of the AGX Orin's twelve cores four are left.
NANO_JETPACK_4 = (
    "RAM 1923/3964MB (lfb 2x2MB) SWAP 191/1982MB (cached 6MB) IRAM 0/252kB(lfb 252kB) "
    "CPU [5%@1224,4%@1224,3%@1224,6%@1224] EMC_FREQ 0%@1600 GR3D_FREQ 0%@76 APE 25 PLL@37C "
    "CPU@40C PMIC@50C GPU@40C AO@45C thermal@40C POM_5V_IN 1750/1628 POM_5V_GPU 0/0 "
    "POM_5V_CPU 366/406"
)
TX2_JETPACK_4 = (
    "RAM 2135/7855MB (lfb 1057x4MB) CPU [2%@2035,0%@2035,0%@2035,2%@2035,2%@2036,2%@2035] "
    "EMC_FREQ 1%@1866 GR3D_FREQ 0%@1300 APE 150 MTS fg 0% bg 0% BCPU@30C MCPU@30C GPU@29C "
    "PLL@30C Tboard@28C Tdiode@28.25C PMIC@100C thermal@29.4C VDD_IN 3104/4029 VDD_CPU 291/730 "
    "VDD_GPU 145/207 VDD_SOC 727/746 VDD_WIFI 0/180 VDD_DDR 1248/1375"
)
XAVIER_NX_JETPACK_5 = (
    "RAM 2690/6854MB (lfb 6x1MB) SWAP 479/3427MB (cached 3MB) CPU [3%@1904,7%@1906,1%@1905,"
    "0%@1907,off,off] EMC_FREQ 0%@1600 GR3D_FREQ 0%@[510] VIC_FREQ 601 APE 150 AUX@39C CPU@39.5C "
    "AO@37.5C GPU@37.5C PMIC@50C VDD_IN 5079mW/5079mW VDD_CPU_GPU_CV 696mW/696mW "
    "VDD_SOC 1104mW/1104mW"
)
ORIN_NANO_JETPACK_6 = (
    "04-27-2026 15:00:54 RAM 779/7620MB (lfb 2x4MB) SWAP 0/3810MB (cached 0MB) CPU [0%@1344,"
    "0%@1344,0%@1344,0%@1344,0%@1344,0%@1344] GR3D_FREQ 0% cpu@50.125C soc2@49.125C soc0@49.25C "
    "gpu@50.562C tj@50.562C soc1@50.437C VDD_IN 6626mW/6625mW VDD_CPU_GPU_CV 1228mW/1230mW "
    "VDD_SOC 2380mW/2380mW "
)
AGX_ORIN_JETPACK_7 = (
    "07-25-2026 09:08:28 RAM 20642/62817MB (lfb 1x2MB) CPU [23%@2201,10%@2201,4%@2201,14%@2201] "
    "EMC_FREQ 3%@3199 GR3D_FREQ 12%@[1300,1300] NVENC0 off NVDEC0 off NVJPG0 off NVJPG1 off VIC "
    "off OFA off NVDLA0 off NVDLA1 off PVA0_FREQ off APE 174 cpu@52.968C/52.968C "
    "soc2@48.406C/48.406C soc0@49.531C/49.531C gpu@47.625C/47.625C "
    "VDD_GPU_SOC 5139mW/5139mW/5139mW VDD_CPU_CV 3268mW/3268mW/3268mW "
    "VIN_SYS_5V0 5500mW/5500mW/5500mW"
)
THOR_JETPACK_7 = (
    "05-14-2026 21:36:35 RAM 26063/125772MB (lfb 35x4MB) CPU [2%@972] GR3D_FREQ @[314,314,314] "
    "cpu@40C VDD_GPU -392mW/-392mW VDD_CPU_SOC_MSS 3924mW/3835mW VIN_SYS_5V0 5064mW/5055mW "
    "VIN 15004mW/15096mW"
)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (NANO_JETPACK_4, {
            "RAM, MB": 1923, "RAM in all, MB": 3964, "GR3D_FREQ, %": 0, "GR3D_FREQ, MHz": 76,
            "PLL, C": 37, "CPU, C": 40, "PMIC, C": 50, "GPU, C": 40, "AO, C": 45, "thermal, C": 40,
            "POM_5V_IN, mW": 1750, "POM_5V_GPU, mW": 0, "POM_5V_CPU, mW": 366,
        }),
        (TX2_JETPACK_4, {
            "RAM, MB": 2135, "RAM in all, MB": 7855, "GR3D_FREQ, %": 0, "GR3D_FREQ, MHz": 1300,
            "BCPU, C": 30, "MCPU, C": 30, "GPU, C": 29, "PLL, C": 30, "Tboard, C": 28,
            "Tdiode, C": 28.25, "PMIC, C": 100, "thermal, C": 29.4, "VDD_IN, mW": 3104,
            "VDD_CPU, mW": 291, "VDD_GPU, mW": 145, "VDD_SOC, mW": 727, "VDD_WIFI, mW": 0,
            "VDD_DDR, mW": 1248,
        }),
        (XAVIER_NX_JETPACK_5, {
            "RAM, MB": 2690, "RAM in all, MB": 6854, "GR3D_FREQ, %": 0, "GR3D_FREQ, MHz": 510,
            "AUX, C": 39, "CPU, C": 39.5, "AO, C": 37.5, "GPU, C": 37.5, "PMIC, C": 50,
            "VDD_IN, mW": 5079, "VDD_CPU_GPU_CV, mW": 696, "VDD_SOC, mW": 1104,
        }),
        (ORIN_NANO_JETPACK_6, {
            "RAM, MB": 779, "RAM in all, MB": 7620, "GR3D_FREQ, %": 0, "cpu, C": 50.125,
            "soc2, C": 49.125, "soc0, C": 49.25, "gpu, C": 50.562, "tj, C": 50.562,
            "soc1, C": 50.437, "VDD_IN, mW": 6626, "VDD_CPU_GPU_CV, mW": 1228,
            "VDD_SOC, mW": 2380,
        }),
        (AGX_ORIN_JETPACK_7, {
            "RAM, MB": 20642, "RAM in all, MB": 62817, "GR3D_FREQ, %": 12, "GR3D_FREQ, MHz": 1300,
            "cpu, C": 52.968, "soc2, C": 48.406, "soc0, C": 49.531, "gpu, C": 47.625,
            "VDD_GPU_SOC, mW": 5139, "VDD_CPU_CV, mW": 3268, "VIN_SYS_5V0, mW": 5500,
        }),
        # Put together of two: it tells clocks without a load, and less than nothing of an idle GPU.
        (THOR_JETPACK_7, {
            "RAM, MB": 26063, "RAM in all, MB": 125772, "GR3D_FREQ, MHz": 314, "cpu, C": 40,
            "VDD_GPU, mW": -392, "VDD_CPU_SOC_MSS, mW": 3924, "VIN_SYS_5V0, mW": 5064,
            "VIN, mW": 15004,
        }),
        # A part that is switched off has no temperature.
        ("RAM 4181/7771MB (lfb 8x4MB) GR3D_FREQ 0% CV0@-256C CPU@41.375C GPU@-256C", {
            "RAM, MB": 4181, "RAM in all, MB": 7771, "GR3D_FREQ, %": 0, "CPU, C": 41.375,
        }),
    ],
    ids=["Nano", "TX2", "Xavier NX", "Orin Nano", "AGX Orin", "Thor", "off"],
)  # fmt: skip
def test_a_line_of_tegrastats(line: str, values: dict[str, float]) -> None:
    reading = tegrastats.read(line)
    assert reading is not None
    assert reading.values == values
    assert reading.slowed == ()


# Clocks, temperature, power and mask as published of an H100; memory and load are made up.
H100 = "65731, 81559, 99, 1590, 1980, 2619, 71, 699.8, 700.00, 0x0000000000000004"


def test_a_line_of_nvidia_smi() -> None:
    reading = nvidia_smi.read(H100)
    assert reading is not None
    assert reading.values == {
        "memory.used, MiB": 65731, "memory.total, MiB": 81559, "utilization.gpu, %": 99,
        "clocks.sm, MHz": 1590, "clocks.max.sm, MHz": 1980, "clocks.mem, MHz": 2619,
        "temperature.gpu, C": 71, "power.draw, W": 699.8, "power.limit, W": 700,
    }  # fmt: skip
    assert reading.slowed == ("sw_power_cap",)


@pytest.mark.parametrize(
    ("mask", "reasons"),
    [
        ("0x0000000000000000", ()),
        ("0x0000000000000001", ()),
        ("0x0000000000000002", ()),
        ("0x0000000000000068", ("hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown")),
        ("0x0000000000000090", ("sync_boost", "hw_power_brake_slowdown")),
        ("[N/A]", ()),
    ],
)
def test_only_what_slows_a_gpu_down_is_a_reason(mask: str, reasons: tuple[str, ...]) -> None:
    reading = nvidia_smi.read(H100.replace("0x0000000000000004", mask))
    assert reading is not None
    assert reading.slowed == reasons


def test_what_a_gpu_does_not_tell_is_left_out() -> None:
    reading = nvidia_smi.read("[N/A], [N/A], 3, 918, [Not Supported], [N/A], 41, [N/A], [N/A], 0x0")
    assert reading is not None
    assert list(reading.values) == ["utilization.gpu, %", "clocks.sm, MHz", "temperature.gpu, C"]


def test_readings_become_ranges_and_half_a_line_is_none() -> None:
    fast, untold = H100.replace("1590", "1980"), H100.replace("1590", "[N/A]")
    lines = [H100, fast.replace("0004", "0000"), untold]
    found = summarise_lines("nvidia-smi", "\n".join([*lines, H100[:30]]))
    assert found.readings == 3
    assert found.ranges["clocks.sm, MHz"] == Range(1590, 1785, 1980)
    assert found.ranges["power.draw, W"] == Range(699.8, pytest.approx(699.8), 699.8)
    assert found.slowed == {"sw_power_cap": pytest.approx(2 / 3)}
    assert found.said == ""
    half = "\n".join([ORIN_NANO_JETPACK_6, AGX_ORIN_JETPACK_7[:125]])
    assert tegrastats.read(AGX_ORIN_JETPACK_7[:125]) is not None, "it would read a wrong clock"
    assert summarise_lines("tegrastats", half).readings == 1


def test_what_a_monitor_says_instead_is_kept() -> None:
    said = 'Field "clocks_throttle_reasons.active" is not a valid field to query.'
    found = summarise_lines("nvidia-smi", f"{said}\n\n")
    assert (found.readings, found.ranges, found.slowed, found.said) == (0, {}, {}, said)
