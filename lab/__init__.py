"""The lab: does the rule have an edge over the benchmark, after costs and after counting what was tried?"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Fingerprints = NDArray[np.uint64]
Ranks = NDArray[np.int16]
