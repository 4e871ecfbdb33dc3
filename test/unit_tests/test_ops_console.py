"""What the terminal shows is what was said."""

import pytest

from ops import console


def test_a_colon_is_no_picture(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("JOB:DATE:REVISION")
    console.complain("give it as JOB:DATE:REVISION")
    console.failed("reproduce", "no JOB:DATE:REVISION")

    told = capsys.readouterr()
    assert [line.count("JOB:DATE:REVISION") for line in (told.out, told.err)] == [2, 1]
