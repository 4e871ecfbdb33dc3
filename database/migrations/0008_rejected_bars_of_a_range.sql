-- Several bars of one message may be rejected: each is a row of its own, and what has no readable session is one.

ALTER TABLE logs_consumer_error
    DROP CONSTRAINT logs_consumer_error_address,
    ADD CONSTRAINT logs_consumer_error_address
        UNIQUE NULLS NOT DISTINCT (topic, partition_id, kafka_offset, record_time, trade_date);
