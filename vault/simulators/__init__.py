"""Stand-ins that speak the commercial CAs' wire protocols on loopback, to rehearse an issuer without cost."""

from vault.simulators.atlas import AtlasSimulator
from vault.simulators.digicert import DigiCertSimulator
from vault.simulators.globalsign import GlobalSignSimulator
from vault.simulators.kit import Simulator
from vault.simulators.wosign import WoSignSimulator

# By the name that `manage.py simulate_ca` knows them by.
SIMULATORS: dict[str, type[Simulator]] = {
    "digicert": DigiCertSimulator,
    "globalsign": GlobalSignSimulator,
    "atlas": AtlasSimulator,
    "wosign": WoSignSimulator,
}
