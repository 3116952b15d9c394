"""A common reference operator (CRO) on shapeshifter-uftp."""

from uftp_peer import run

from shapeshifter_uftp import ShapeshifterCroService

run(ShapeshifterCroService)
