"""A switch is off within its blocks, however they end and lie in each other."""

import pytest

from pag.switch import Switch


def test_it_is_off_within_blocks_alone() -> None:
    switch, other = Switch(), Switch()
    assert switch.is_on
    with switch.off():
        assert not switch.is_on and other.is_on
        with switch.off():
            assert not switch.is_on
        assert not switch.is_on
    assert switch.is_on


def test_a_block_that_fails_leaves_it_on() -> None:
    switch = Switch()
    with pytest.raises(ValueError, match="within"), switch.off():
        raise ValueError("within")
    assert switch.is_on
