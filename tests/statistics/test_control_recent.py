"""Control recent: recent windows together hold their error rate where the reference is small and events are rare."""

import numpy as np
import pytest

from auditkit.statistics import Part, Sums, mean_moved, recent_part
from auditkit.statistics.control_gaps import area_part
from auditkit.statistics.control_limits import mean_part, part_moved, rate_part
from auditkit.statistics.control_recent import recent_area, recent_mean, recent_rate


def test_one_window_is_itself():
    assert recent_rate([(7.0, 90.0)], (80.0, 900.0), 0.2) == pytest.approx(rate_part(7, 90, 80, 900))
    sums = Sums(50, 20.0, 30.0, 60.0), Sums(400, 190.0, 250.0, 410.0)
    assert recent_mean([sums[0]], sums[1], 0.2) == pytest.approx(mean_part(*sums))
    samples = (
        (np.array([2.0, 5, 9]), np.array([8.0, 4, 1])),
        (np.array([20.0, 60, 90]), np.array([70.0, 40, 15])),
    )
    assert recent_area([samples[0]], samples[1], 0.2) == pytest.approx(area_part(*samples))


def test_windows_of_one_content_give_the_mean_that_weights_say():
    parts = [rate_part(9, 90, 90, 900)] * 5
    assert recent_rate([(9.0, 90.0)] * 5, (90.0, 900.0), 0.2) == pytest.approx(
        Part(*recent_part(parts, 0.2)), rel=5e-3
    )


def beyond(p, n, m, alpha, times, rng, windows=15):
    """Return how often the recent windows, and a mean of parts, lie beyond by chance."""
    new = old = 0
    for _ in range(times):
        a, xs = float(rng.binomial(m, p)), rng.binomial(n, p, windows).astype(float)
        new += part_moved(recent_rate([(x, n) for x in xs], (a, m), 0.2), alpha).p_value <= alpha
        old += part_moved(recent_part([rate_part(x, n, a, m) for x in xs], 0.2), alpha).p_value <= alpha
    return new / times, old / times


def test_a_rare_event_and_a_small_reference_hold_the_rate():
    new, _ = beyond(0.03, 400.0, 600, 0.02, 1500, np.random.default_rng(5))
    assert new <= 0.02 + 3 * np.sqrt(0.02 / 1500)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("p", "n", "m"), [(0.006, 400.0, 600), (0.03, 400.0, 600), (0.03, 300.0, 2000), (0.3, 400.0, 600)]
)
def test_over_many_references_the_rate_holds_far_out(p, n, m):
    new, old = beyond(p, n, m, 0.0013, 60_000, np.random.default_rng(6))
    assert new <= 0.0013 * 1.1 + 3 * np.sqrt(0.0013 / 60_000)
    assert new <= old * 1.1


def test_a_shift_is_found():
    window, reference = Sums(100, 60.0, 60.0, 60.0), Sums(1000, 500.0, 500.0, 500.0)
    alone = mean_moved(window, reference, 0.01).p_value
    together = part_moved(recent_mean([window] * 6, reference, 0.2), 0.01).p_value
    assert together < alone / 100
    rate = part_moved(recent_rate([(60.0, 100.0)] * 6, (500.0, 1000.0), 0.2), 0.01).p_value
    assert rate == pytest.approx(together, rel=0.05)
