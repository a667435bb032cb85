"""A stand-in for DigiCert's CertCentral."""

from vault.simulators.digicert.simulator import DigiCertSimulator

__all__ = ["DigiCertSimulator"]
