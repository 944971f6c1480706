"""Stand-ins for the two services Gallop buys from: `python -m sandbox` serves both on one port.

They keep the documented protocols and import nothing of Gallop, so a copy of Gallop runs, and is
tested, without keys or a network. Start at `sandbox.app.build`.
"""
