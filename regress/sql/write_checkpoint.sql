-- Checkpoint requests: ids only ever grow, for each user and client by themselves.
CREATE EXTENSION pg_brigade;

SELECT brigade.create_write_checkpoint('anna', 'phone');
SELECT brigade.create_write_checkpoint('anna', 'phone');
SELECT brigade.create_write_checkpoint('anna', 'laptop');
SELECT brigade.create_write_checkpoint('bert', 'phone');
SELECT brigade.create_write_checkpoint('anna', '');

-- A client's own ids: the stored one stays unless the new one is greater.
SELECT brigade.request_checkpoint('anna', 'phone', 100);
SELECT brigade.request_checkpoint('anna', 'phone', 100);
SELECT brigade.request_checkpoint('anna', 'phone', 7);
SELECT brigade.request_checkpoint('carl', 'phone', 9223372036854775807);

-- Both kinds may be mixed.
SELECT brigade.create_write_checkpoint('anna', 'phone');

DROP EXTENSION pg_brigade;
