CREATE TABLE inbox (
    id           INTEGER PRIMARY KEY,
    protocol     TEXT    NOT NULL,
    peer         TEXT    NOT NULL,
    recipient    TEXT    NOT NULL,
    message_id   TEXT    NOT NULL,
    conversation TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    journal      INTEGER NOT NULL, -- the entry that holds it as it came, seal included
    body_hash    BLOB    NOT NULL,
    note         TEXT    NOT NULL,
    received_at  INTEGER NOT NULL, -- nanoseconds of the Unix epoch, as every instant here
    state        INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    due          INTEGER NOT NULL,
    head         INTEGER NOT NULL, -- 1 for the oldest of its conversation that waits
    cause        TEXT,
    UNIQUE (protocol, peer, recipient, message_id)
) STRICT;
CREATE INDEX inbox_waiting ON inbox (peer, conversation, id) WHERE state < 2;
CREATE INDEX inbox_heads ON inbox (due, id) WHERE state < 2 AND head = 1;

CREATE TABLE outbox (
    id           INTEGER PRIMARY KEY,
    protocol     TEXT    NOT NULL,
    recipient    TEXT    NOT NULL,
    conversation TEXT    NOT NULL,
    message_id   TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    journal      INTEGER NOT NULL, -- the entry that holds its bytes
    made_at      INTEGER NOT NULL,
    deadline     INTEGER NOT NULL,
    state        INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    due          INTEGER NOT NULL,
    head         INTEGER NOT NULL, -- 1 for the oldest of its recipient and conversation that is pending
    ended_at     INTEGER,
    cause        TEXT,
    UNIQUE (protocol, message_id)
) STRICT;
CREATE INDEX outbox_pending ON outbox (recipient, conversation, id) WHERE state = 0;
CREATE INDEX outbox_heads ON outbox (due, id) WHERE state = 0 AND head = 1;

CREATE TABLE timer (
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    due     INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX timer_due ON timer (due);

CREATE TABLE record (
    kind       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    span_start INTEGER,
    span_end   INTEGER,
    open       INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
-- By the end: what is asked for is rarely over, and what is over becomes ever more.
CREATE INDEX record_subject ON record (kind, subject, span_end);
CREATE INDEX record_open ON record (kind) WHERE open = 1;

CREATE TABLE journal (
    sequence     INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    direction    INTEGER NOT NULL,
    protocol     TEXT    NOT NULL,
    peer         TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    message_id   TEXT    NOT NULL,
    conversation TEXT    NOT NULL,
    bytes        BLOB    NOT NULL,
    hash         BLOB    NOT NULL
) STRICT;

-- The end of the journal, kept apart from its entries so that the loss of the last ones shows.
CREATE TABLE journal_end (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    length INTEGER NOT NULL,
    hash   BLOB    NOT NULL
) STRICT;
INSERT INTO journal_end VALUES (1, 0, zeroblob(32));
