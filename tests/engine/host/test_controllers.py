"""Who has control, with clocks that the test moves."""

import pytest

from pypipeline_engine.host.controllers import CONTROL_S, Controllers
from pypipeline_engine.host.refusals import Refused


class Rig:
    """A host's controllers, with what was told."""

    def __init__(self, needs_key=False):
        self.now_s = 1000.0
        self.told = []
        self.controllers = Controllers(
            needs_key, self.told.append, clock=lambda: self.now_s, wall_clock=lambda: self.now_s + 5e8
        )

    def take(self, name="anna", force=False, key=None):
        return self.controllers.take(name, force, key)

    def refusal(self, act):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.status in (409, 422)
        return str(refused.value)


def test_the_first_who_asks_gets_control_and_others_are_told_who_has_it():
    rig = Rig(needs_key=True)
    grant = rig.take("anna")
    rig.controllers.require(grant.key)
    rig.now_s += 12
    assert (
        rig.refusal(lambda: rig.take("bert")) == 'anna has had control for 12.0 s; with "force": true it is taken away'
    )
    assert rig.refusal(lambda: rig.controllers.require("wrong")) == "anna has had control for 12.0 s: you only watch"
    assert "anna" in rig.refusal(lambda: rig.controllers.require(None))
    assert "anna" in rig.refusal(lambda: rig.controllers.give_back(None))
    controller = rig.controllers.get()
    assert (controller.name, controller.since_s) == ("anna", 5e8 + 1000)


def test_with_force_it_is_taken_and_the_old_key_is_worth_nothing():
    rig = Rig()
    old = rig.take("anna")
    new = rig.take("bert", force=True)
    assert old.key != new.key
    rig.controllers.require(new.key)
    assert "bert" in rig.refusal(lambda: rig.controllers.require(old.key))
    assert "bert" in rig.refusal(lambda: rig.controllers.give_back(old.key))
    assert rig.told == ["anna has taken control", "bert has taken control from anna"]


def test_without_the_need_for_a_key_everybody_may_while_nobody_has_control():
    rig = Rig()
    rig.controllers.require(None)
    grant = rig.take("anna")
    assert "anna" in rig.refusal(lambda: rig.controllers.require(None))
    rig.controllers.give_back(grant.key)
    rig.controllers.require(None)
    assert rig.told == ["anna has taken control", "anna has given control back"]


def test_where_a_key_is_needed_it_is_said_how_to_get_one():
    rig = Rig(needs_key=True)
    words = rig.refusal(lambda: rig.controllers.require(None))
    assert words.startswith("nobody has control: POST /v1/control")
    assert "Pypipeline-Control: KEY" in words
    assert "nobody has control" in rig.refusal(lambda: rig.controllers.give_back(None))


@pytest.mark.parametrize("renew", ["take", "require"])
def test_control_lasts_as_long_as_it_is_renewed(renew):
    rig = Rig(needs_key=True)
    grant = rig.take("anna")
    for _ in range(5):
        rig.now_s += CONTROL_S - 1
        if renew == "take":
            assert rig.take("anna", key=grant.key).key == grant.key
        else:
            rig.controllers.require(grant.key)
    assert rig.controllers.get().since_s == 5e8 + 1000
    rig.now_s += CONTROL_S
    assert rig.controllers.get() is None
    assert "this control has ended" in rig.refusal(lambda: rig.controllers.require(grant.key))
    assert rig.told == ["anna has taken control"]
    rig.controllers.expire()
    rig.controllers.expire()
    assert rig.told[1:] == ["the control of anna was not renewed, and has ended"]


def test_what_has_ended_is_free_for_others_also_before_anybody_has_noticed():
    rig = Rig(needs_key=True)
    old = rig.take("anna")
    assert rig.controllers.expires_in_s == CONTROL_S
    rig.now_s += CONTROL_S + 1
    assert rig.controllers.expires_in_s == 0
    new = rig.take("bert")
    assert rig.controllers.get().name == "bert"
    assert "bert" in rig.refusal(lambda: rig.take("anna", key=old.key))
    rig.controllers.expire()
    rig.controllers.require(new.key)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[2J", "a\x00"])
def test_a_name_that_cannot_be_shown_is_refused(name):
    assert "name: printable text is expected" in Rig().refusal(lambda: Rig().take(name))
