"""How a report is written: for a terminal, for machines, for a site."""
