"""The drivers' colours: told apart with every common colour blindness, on light and on dark."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from nlp.taxonomy import core_drivers, drivers

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
_SEEN = {
    "full": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(color):
    value = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(color, sight):
    xyz = _XYZ @ np.clip(_SEEN[sight] @ linear(color), 0, 1) / _WHITE
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def differences(chosen, sight):
    return {
        (a.name, b.name): float(np.linalg.norm(lab(a.color, sight) - lab(b.color, sight)))
        for a, b in combinations(chosen, 2)
    }


def contrast(color, ground):
    light = [float(_XYZ[1] @ linear(one)) for one in (color, ground)]
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize("sight", _SEEN)
def test_core_drivers_differ_clearly_and_all_drivers_noticeably(sight):
    """CIE 1976 differences: 2 is just noticeable; bars side by side should differ by far more."""
    core = differences(core_drivers(), sight)
    assert min(core.values()) > 15, core
    every = differences(drivers(), sight)
    assert min(every.values()) > 15, min(every.items(), key=lambda one: one[1])


@pytest.mark.parametrize("ground", ["#fdfdfc", "#14171a"])
def test_every_colour_stands_out_from_the_ground(ground):
    """3 to 1: what WCAG 2.1 (1.4.11) asks of bars, dots and the lines under evidence."""
    found = {one.name: contrast(one.color, ground) for one in drivers()}
    assert min(found.values()) > 3, found
