"""A grid operator (DSO) on shapeshifter-uftp."""

from uftp_peer import run

from shapeshifter_uftp import ShapeshifterDsoService

run(ShapeshifterDsoService)
