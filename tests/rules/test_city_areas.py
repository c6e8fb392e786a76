"""Where a point lies: areas with their borders and holes, and the cells of the grid."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.city import Area, Grid
from contracts.city.areas import Ring, index_of

GRID = Grid("quzhou", 100, 118.0, 28.0)

points = st.tuples(st.floats(117.0, 120.0), st.floats(27.0, 30.0))


def a_ring(*corners: tuple[float, float]) -> Ring:
    return (*corners, corners[0])


def a_box(west: float, south: float, east: float, north: float) -> Ring:
    return a_ring((west, south), (east, south), (east, north), (west, north))


def an_area(name: str, *polygons: tuple[Ring, ...]) -> Area:
    return Area(name, name, name, "", 1, polygons, source="test")


def test_a_point_on_a_common_border_belongs_to_exactly_one_whatever_the_order() -> None:
    west, east = an_area("west", (a_box(0, 0, 1, 1),)), an_area("east", (a_box(1, 0, 2, 1),))
    north = an_area("north", (a_box(0, 1, 2, 2),))
    for order in ((west, east, north), (north, east, west)):
        index = index_of(order)
        assert index.area_at(1, 0.5) == "east"
        assert index.area_at(0.5, 1) == "north"
        assert index.area_at(1, 1) == "north"


def test_a_point_on_the_citys_outer_border_belongs_to_the_area_it_touches() -> None:
    index = index_of([an_area("only", (a_box(0, 0, 1, 1),))])
    assert [index.area_at(x, y) for x, y in [(1, 0.5), (0.5, 1), (1, 1), (0, 0)]] == ["only"] * 4
    assert index.area_at(math.nextafter(1, 2), 0.5) is None


@given(st.floats(0.01, 0.99))
def test_a_slanting_border_leaves_no_gap_and_no_overlap(share: float) -> None:
    left = index_of([an_area("left", (a_ring((0, 0), (1.3, 0), (0.7, 1), (0, 1)),))])
    right = index_of([an_area("right", (a_ring((1.3, 0), (2, 0), (2, 1), (0.7, 1)),))])
    x, y = 1.3 - 0.6 * share, share
    strictly = [index.shapes[0].contains(x, y) for index in (left, right)]
    assert sum(strictly) == 1


def test_a_hole_is_not_part_of_its_area_and_may_be_another() -> None:
    ring = an_area("ring", (a_box(0, 0, 3, 3), a_box(1, 1, 2, 2)))
    core = an_area("core", (a_box(1, 1, 2, 2),))
    assert index_of([ring]).area_at(1.5, 1.5) is None
    both = index_of([ring, core])
    assert both.area_at(1.5, 1.5) == "core"
    assert both.area_at(0.5, 0.5) == "ring"
    assert both.area_at(1, 1.5) == "core"
    assert both.area_at(2, 1.5) == "ring"


def test_an_area_may_have_several_parts() -> None:
    index = index_of([an_area("two", (a_box(0, 0, 1, 1),), (a_box(5, 5, 6, 6),))])
    assert index.area_at(0.5, 0.5) == index.area_at(5.5, 5.5) == "two"
    assert index.area_at(3, 3) is None


@given(st.integers(3, 400), st.tuples(st.floats(-1.2, 1.2), st.floats(-1.2, 1.2)))
def test_bands_do_not_change_the_answer(corners: int, point: tuple[float, float]) -> None:
    turns = [2 * math.pi * n / corners for n in range(corners)]
    ring = a_ring(*((math.cos(turn), math.sin(turn)) for turn in turns))
    distance = math.hypot(*point)
    inner = math.cos(math.pi / corners)
    assume(distance < inner - 1e-9 or distance > 1 + 1e-9)
    found = index_of([an_area("round", (ring,))]).area_at(*point)
    assert found == ("round" if distance < inner else None)


@given(points)
def test_a_point_lies_in_the_box_of_its_cell(point: tuple[float, float]) -> None:
    west, south, east, north = GRID.box(GRID.cell(*point))
    assert west - 1e-9 <= point[0] <= east + 1e-9
    assert south - 1e-9 <= point[1] <= north + 1e-9


@given(points)
def test_neighbours_are_eight_others_and_each_others(point: tuple[float, float]) -> None:
    cell = GRID.cell(*point)
    around = GRID.neighbours(cell)
    assert len(set(around)) == 8
    assert cell not in around
    assert all(cell in GRID.neighbours(other) for other in around)


@given(points, st.floats(-99, 99), st.floats(-99, 99))
def test_two_points_within_a_cells_width_lie_in_the_same_cell_or_in_neighbours(
    point: tuple[float, float], east: float, north: float
) -> None:
    west_, south_, east_, north_ = GRID.box(GRID.cell(*point))
    other = (point[0] + (east_ - west_) * east / 100, point[1] + (north_ - south_) * north / 100)
    cell = GRID.cell(*point)
    assert GRID.cell(*other) in (cell, *GRID.neighbours(cell))


def test_a_cell_is_a_hundred_metres_wide_and_high() -> None:
    west, south, east, north = GRID.box(GRID.cell(118.87, 28.95))
    assert (east - west) * 111_320 * math.cos(math.radians(28.0)) == pytest.approx(100, rel=0.01)
    assert (north - south) * 110_852 == pytest.approx(100, rel=0.01)


def test_cells_are_named_from_the_origin_on_all_four_sides() -> None:
    assert GRID.cell(118.0005, 28.0005) == "quzhou-e0000-n0000"
    assert GRID.cell(117.9995, 27.9995) == "quzhou-w0001-s0001"
    assert GRID.neighbours("quzhou-e0000-n0000")[0] == "quzhou-w0001-s0001"
    assert GRID.cell(118.87, 28.95) == "quzhou-e0855-n1052"


@pytest.mark.parametrize("wrong", ["", "quzhou-e1-n2", "jinhua-e0001-n0001", "quzhou-x0001-n0001", "quzhou-e0001"])
def test_what_is_no_cell_of_the_grid_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no cell"):
        GRID.neighbours(wrong)
