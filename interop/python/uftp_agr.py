"""An aggregator (AGR) on shapeshifter-uftp."""

from uftp_peer import run

from shapeshifter_uftp import ShapeshifterAgrService

run(ShapeshifterAgrService)
