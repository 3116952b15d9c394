"""An aggregator on shapeshifter-uftp's own service, whose handlers do nothing: the cost of receiving."""

import argparse
import logging

import uvicorn
from shapeshifter_uftp import ShapeshifterAgrService
from until_orphaned import ready

logging.getLogger("shapeshifter-uftp").setLevel(logging.ERROR)

# The published test keys of interop/src/keys.rs.
AGR_SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA=="
DSO_PUBLIC = "JUO5L/EJVRFHatyDadtt3JM2ZaEZeN2hQE7hBmypVZ0="

handlers = {name: lambda self, message: None for name in ShapeshifterAgrService.__abstractmethods__}
Aggregator = type("Aggregator", (ShapeshifterAgrService,), handlers)

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, required=True)
port = parser.parse_args().port

service = Aggregator(
    sender_domain="agr.example.com",
    signing_key=AGR_SECRET,
    key_lookup_function=lambda domain, role: DSO_PUBLIC,
    endpoint_lookup_function=lambda domain, role: "http://127.0.0.1:9/",
    host="127.0.0.1",
    port=port,
)
# The library's own server without its line of log per request.
service.server = uvicorn.Server(
    uvicorn.Config(app=service.app, host="127.0.0.1", port=port, log_level="error", access_log=False)
)
service.run_in_thread()
ready()
service.server_thread.join()
