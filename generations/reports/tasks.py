"""What django-q2 runs for reports. Losing or repeating a task changes nothing."""

from generations.reports import upstream_costs


def read_upstream_costs() -> str:
    """Ask the upstream for its prices and bills."""
    with upstream_costs.Till() as till:
        changed = upstream_costs.read_prices(till)
        read = upstream_costs.read_bills(till)
    return f"{changed} prices changed, {read} bills read"
