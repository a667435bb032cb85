"""GlobalSign Managed SSL that is none."""

from vault.simulators.globalsign.service import GlobalSignSimulator

__all__ = ["GlobalSignSimulator"]
