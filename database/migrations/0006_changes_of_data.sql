-- A trigger counts every transaction that changes a table but the consumers' lag, which no longer counts itself.

ALTER TABLE logs_consumer_lag DROP COLUMN measurements;

CREATE TABLE logs_data_change (
    backend          INTEGER PRIMARY KEY,            -- the server process's number; 0: all before the last migrate
    changes          BIGINT  NOT NULL,               -- its committed transactions that changed a table
    last_transaction XID8    NOT NULL
);
