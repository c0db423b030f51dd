"""How rules compare a number with a limit, and how little ground two shapes may share and still not touch."""

import operator
from typing import Any

OPERATORS: dict[str, Any] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}
# Of two shapes that share no more than a square millimetre, the rounding of coordinates cannot tell whether they touch.
TOUCH_M2 = 1e-6
