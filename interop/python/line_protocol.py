"""One JSON object per line: events on stdout, commands on stdin.

Libraries that print must not break the protocol, so the process's own stdout is set aside for events and everything
else that is printed goes to stderr.
"""

import json
import os
import sys
import threading

_events = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
_lock = threading.Lock()


def emit(event, **fields):
    """Writes one event as one line, whichever thread calls."""
    line = json.dumps({"event": event, **fields}, default=float)
    with _lock:
        _events.write(line + "\n")
        _events.flush()


def commands():
    """The commands from stdin, until it is closed: a peer ends with the process that started it."""
    for line in sys.stdin:
        if line.strip():
            yield json.loads(line)
