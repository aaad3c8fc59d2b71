"""All rules that there are. Whoever imports this has them, and nobody adds one afterwards."""

from __future__ import annotations

from derivations.kernel.rules import (  # noqa: F401 - for what each of them adds
    calculus,
    comparison,
    draws,
    equations,
    fields,
    gaussian,
    gradients,
    inequalities,
    linear_maps,
    matrices,
    order,
    probability,
    reparameterization,
    series,
    vectors,
)
from derivations.kernel.rules.base import close_table

close_table()
