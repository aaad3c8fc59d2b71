"""Linear SDEs: what the code has of them are schedules, whose tables other claims measure."""

from threefold.witnesses.registry import not_applicable

not_applicable("sde.linear.moments", "no code moves by an SDE of any rates: schedules are paths", witness="torch")
