"""What is wrong with an expression, and where."""

from vedette.schema.errors import VedetteError


class ExpressionError(VedetteError):
    """A text that is no usable rule.

    Attributes:
        text: The whole expression.
        column: 0-based place in it where the trouble begins; `len(text)` for its end.
        length: How many characters are in trouble, at least 1.
        problem: What is wrong, the rule, and the remedy.
    """

    def __init__(self, text: str, column: int, length: int, problem: str) -> None:
        super().__init__(f"column {column + 1}: {problem}")
        self.text = text
        self.column = column
        self.length = max(1, length)
        self.problem = problem

    def pointed(self) -> str:
        """Three lines: the expression, carets under the trouble, the problem."""
        shown = "".join(c if c.isprintable() else "?" for c in self.text)
        return f"  {shown}\n  {' ' * self.column}{'^' * self.length}\n{self.problem}"
