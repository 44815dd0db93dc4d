"""The grammars that the payload model learns from fill every hole, also of those between single brackets."""

import re

import forms
import mutations
import pasted
import pytest


@pytest.mark.parametrize(
    ("form", "made"),
    [
        ("{{{{{n}*{n}}}}}", "{{7*7}}"),
        ("{{$ne:{n}}}", "{$ne:7}"),
        ("<{n} {n}={{{n}}} />", "<7 7={7} />"),
        ("${{{n}}} {{% x %}}", "${7} {% x %}"),
    ],
)
def test_a_hole_right_before_a_closing_bracket_is_filled(form: str, made: str):
    assert forms.put_back(re.sub(r"\{n\}", "7", forms.set_aside(form))) == made


def test_no_attack_of_a_template_is_left_with_a_hole():
    made = [text for _, text in mutations.attacks(3000, 1)]
    assert not [text for text in made if re.search(r"\{(?:n|q|host|file|fn)\}", text)]
    assert not [text for text in pasted.pasted(3000, 1) if re.search(r"\{[ntf]\}", text)]
