"""The figures of the scale test are what they are called."""

import pytest

from tests.scale.figures import Costs, Deaths, Film, Flood, Report, percentile, spread


@pytest.mark.parametrize(("percent", "value"), [(50, 10), (95, 19), (100, 20), (1, 1)])
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(
    percent: int, value: int
) -> None:
    assert percentile([float(n) for n in reversed(range(1, 21))], percent) == value


def test_a_single_value_is_every_percentile_and_none_has_none() -> None:
    assert percentile([7.0], 95) == percentile([7.0], 1) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 95)
    assert spread([]) == "none"


def test_what_rest_costs_is_taken_off_for_as_long_as_the_work_took() -> None:
    rest = Costs("seconds of rest", 20, 20.0, {"worker": 1.0, "web": 0.1}, {"transactions": 40.0})
    work = Costs("films", 10, 100.0, {"worker": 15.0, "web": 0.2}, {"transactions": 1200.0})

    net = work.above(rest)

    assert net.processor == {"worker": 10.0, "web": 0.0}
    assert net.database == {"transactions": 1000.0}
    first, second = net.lines()
    assert first == "processor seconds per 1,000 films: worker 1,000.0, web 0.0"
    assert second.startswith("  PostgreSQL for each: transactions 100.0; 10 in 100.0 s")


def test_films_are_told_apart_by_the_moment_of_the_deaths() -> None:
    deaths = Deaths("web-1", "worker-2", web_at=100.0, worker_at=102.0, taken_over=[60.0])
    films = [Film(90.0, 97.0), Film(95.0, 170.0), Film(101.0, 110.0), Film(103.0, 114.0)]

    said = "\n".join(deaths.lines(films))

    assert "web-1 and worker-2, 2.0 s apart" in said
    assert "before: 1, p50 7.0 s" in said
    assert "under way then: 2, p50 42.0 s, p95 75.0 s" in said
    assert "asked after: 1, p50 11.0 s" in said


def test_a_flood_is_told_by_its_rate_and_its_answers() -> None:
    flood = Flood(100, 2.0, [0.1] * 94 + [0.4] * 6)
    assert flood.line().startswith("submits: 50 a second")
    assert "p50 100 ms, p95 400 ms" in flood.line()


def test_a_report_ends_with_what_was_wrong() -> None:
    rest = Costs("seconds of rest", 20, 20.0, {}, {})
    good, bad = Report("a run", costs=[rest]), Report("a run", costs=[rest], violations=["lost: 1"])

    assert list(good.lines())[-1] == "Nothing was lost or doubled."
    assert list(bad.lines())[-2:] == ["VIOLATION lost: 1", "Something is wrong."]
