-- What waits to be decided on and what waits for longer work are asked for one by one.
DROP INDEX inbox_heads;
CREATE INDEX inbox_heads ON inbox (state, due, id) WHERE state < 2 AND head = 1;
