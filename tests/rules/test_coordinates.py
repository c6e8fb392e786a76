"""Coordinates: there and back, published reference points, and what is no place on earth."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.coordinates import ImpossibleCoordinates, Point, from_wgs84, to_wgs84
from contracts.messages import CoordinateSystem

GCJ02, WGS84, CGCS2000 = CoordinateSystem.GCJ02, CoordinateSystem.WGS84, CoordinateSystem.CGCS2000

in_china = st.tuples(st.floats(72.1, 137.7), st.floats(0.9, 55.7))
anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))

# WGS 84, then GCJ-02. The first is in the README of wandergis/coordtransform; the other three are the reference points
# of googollee/eviltransform's tests, whose ellipsoid differs a little: they agree to some centimetres.
PUBLISHED = [
    ((116.404, 39.915), (116.41024449916938, 39.91640428150164), 1e-12),
    ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597), 1e-6),
    ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766), 1e-6),
    ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069), 1e-6),
]


@pytest.mark.parametrize(("wgs84", "gcj02", "within"), PUBLISHED)
def test_the_published_points_are_met(wgs84: tuple[float, float], gcj02: tuple[float, float], within: float) -> None:
    there = from_wgs84(*wgs84, GCJ02)
    assert (there.longitude, there.latitude) == pytest.approx(gcj02, abs=within)
    back = to_wgs84(*gcj02, GCJ02)
    assert (back.longitude, back.latitude) == pytest.approx(wgs84, abs=within)


@given(in_china)
def test_there_and_back_is_the_same_place(place: tuple[float, float]) -> None:
    there = from_wgs84(*place, GCJ02)
    back = to_wgs84(there.longitude, there.latitude, GCJ02)
    assert abs(back.longitude - place[0]) < 1e-7
    assert abs(back.latitude - place[1]) < 1e-7


@given(st.tuples(st.floats(73.5, 135.0), st.floats(18.0, 53.5)))
def test_the_shift_moves_a_place_but_never_by_more_than_a_kilometre_and_a_half(place: tuple[float, float]) -> None:
    there = from_wgs84(*place, GCJ02)
    north = (there.latitude - place[1]) * 111_320
    east = (there.longitude - place[0]) * 111_320 * math.cos(math.radians(place[1]))
    assert 0 < math.hypot(north, east) < 1_500


@given(anywhere, st.sampled_from([WGS84, CGCS2000]))
def test_wgs84_and_cgcs2000_stay_as_they_are(place: tuple[float, float], system: CoordinateSystem) -> None:
    assert to_wgs84(*place, system) == from_wgs84(*place, system) == Point(*place)


@pytest.mark.parametrize("place", [(-0.1276, 51.5072), (151.2, -33.87), (0.0, 0.0), (180.0, 90.0)])
def test_outside_china_gcj02_is_wgs84(place: tuple[float, float]) -> None:
    assert to_wgs84(*place, GCJ02) == from_wgs84(*place, GCJ02) == Point(*place)


@pytest.mark.parametrize(
    "place",
    [(math.nan, 30.0), (118.0, math.nan), (math.inf, 30.0), (118.0, -math.inf), (180.1, 0.0), (0.0, -90.1)],
)
@pytest.mark.parametrize("system", list(CoordinateSystem))
def test_what_is_no_place_on_earth_is_refused_in_both_languages(
    place: tuple[float, float], system: CoordinateSystem
) -> None:
    with pytest.raises(ImpossibleCoordinates) as caught:
        to_wgs84(*place, system)
    assert "坐标不可能存在" in caught.value.zh
    assert "no such place" in caught.value.en
    with pytest.raises(ImpossibleCoordinates):
        from_wgs84(*place, system)


def test_bd09_is_not_offered() -> None:
    assert {system.value for system in CoordinateSystem} == {"WGS84", "CGCS2000", "GCJ02"}
