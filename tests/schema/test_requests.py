"""Columns of text, read many rows at a time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.schema.requests import Coded


@given(st.lists(st.none() | st.binary(max_size=40), min_size=1, max_size=20), st.data())
def test_texts_of_rows_are_what_each_row_says(texts: list[bytes | None], data: st.DataObject) -> None:
    """Rows may repeat, and none may have anything recorded."""
    column = Coded.of(texts)
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1)))
    assert column.texts(np.array(rows, dtype=np.intp)) == [column[row] for row in rows]
    assert [column[row] for row in rows] == [texts[row] for row in rows]
