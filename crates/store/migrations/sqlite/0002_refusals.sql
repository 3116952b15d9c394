-- How often in a row the recipient has refused the message for good.
ALTER TABLE outbox ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
