"""Work that checks share is done once, under a seed that no place in a plan has."""

import threading
import time

import numpy as np
import pytest

from auditkit import shared
from auditkit.check import registry
from auditkit.engine import Step
from auditkit.errors import NotApplicable


def test_all_checks_of_an_audit_draw_the_same_and_other_audits_and_names_do_not():
    def seed(root, name, own=0):
        with shared.within(root):
            return shared.seed_of(name, np.random.default_rng(own))

    assert seed(1, "a", own=0) == seed(1, "a", own=9)
    assert len({seed(1, "a"), seed(2, "a"), seed(1, "b")}) == 3


def test_no_check_of_a_plan_draws_from_the_shared_seed():
    with shared.within(5):
        mine = np.random.default_rng(shared.seed_of("a", np.random.default_rng(0))).random()
    branches = [Step(0, check, {}, 5).seed for check in registry().checks]
    assert mine not in [np.random.default_rng(one).random() for one in branches]


def test_outside_an_audit_the_generator_decides():
    one, two, other = (shared.seed_of("a", np.random.default_rng(s)) for s in (1, 1, 2))
    assert one == two != other
    assert shared.folder() is None


def test_what_ends_is_forgotten_again(tmp_path):
    with shared.within(1, tmp_path):
        assert shared.folder() == tmp_path
    assert shared.folder() is None


def test_checks_side_by_side_wait_for_the_first_instead_of_working_twice():
    memory, made = {}, []

    def make():
        made.append(1)
        time.sleep(0.3)
        return "answers"

    found = []
    threads = [
        threading.Thread(target=lambda: found.append(shared.once(memory, "k", make))) for _ in range(3)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (found, made) == (["answers"] * 3, [1])


def test_one_piece_of_work_does_not_wait_for_another_that_may_need_its_worker():
    memory, begun, other = {}, threading.Event(), threading.Event()

    def long():
        begun.set()
        assert other.wait(10), "the other piece waited for this one"
        return "long"

    thread = threading.Thread(target=lambda: shared.once(memory, "long", long))
    thread.start()
    assert begun.wait(10)
    assert shared.once(memory, "short", lambda: "short") == "short"
    other.set()
    thread.join(10)
    assert memory == {"long": "long", "short": "short"}
    assert not shared._turns


def test_what_does_not_apply_is_not_tried_again_and_what_breaks_is():
    memory, tried = {}, []

    def missing():
        tried.append(1)
        raise NotApplicable("no rows")

    for _ in range(2):
        with pytest.raises(NotApplicable, match="no rows"):
            shared.once(memory, "k", missing)
    assert tried == [1]

    def breaks():
        tried.append(2)
        raise ValueError("x")

    for _ in range(2):
        with pytest.raises(ValueError, match="x"):
            shared.once(memory, "other", breaks)
    assert tried == [1, 2, 2]


def test_what_is_drawn_is_made_once_and_leaves_every_generator_where_making_leaves_it():
    memory, made = {}, []

    def draws(rng, name="a"):
        def make():
            made.append(name)
            return rng.random(3).tolist()

        return shared.drawn(memory, name, rng, make), rng.random()

    first, second = draws(np.random.default_rng(1)), draws(np.random.default_rng(1))
    alone = np.random.default_rng(1)
    assert first == second == (alone.random(3).tolist(), alone.random())
    assert made == ["a"]
    assert draws(np.random.default_rng(2)) != first
    draws(np.random.default_rng(1), "b")
    assert made == ["a", "a", "b"]


def test_the_generator_of_a_check_is_that_of_its_step():
    check = registry().checks[0]
    own = np.random.default_rng(0)
    assert shared.generator_of(check.code, own) is own
    with shared.within(5):
        ours = shared.generator_of(check.code, own)
    assert ours.random() == np.random.default_rng(Step(0, check, {}, 5).seed).random()
