"""Half precision in files: float16 and bfloat16 arrays, and their exact conversion to float32."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BFLOAT16 = np.dtype([("bfloat16", "<u2")])
"""bfloat16, which NumPy lacks: the upper 16 bits of a float32"""
HALF_DTYPES = (np.dtype(np.float16), BFLOAT16)
WEIGHT_DTYPES = (np.dtype(np.float32), *HALF_DTYPES)
"""types of weights in files; in memory, weights are float32"""


def to_float32(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return an array of any floating-point type as float32, without a copy if it has this type.

    >>> to_float32(np.array([(0x3FC0,), (0xC000,)], BFLOAT16)).tolist()
    [1.5, -2.0]
    """
    if array.dtype == BFLOAT16:
        return (array["bfloat16"].astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32, copy=False)
