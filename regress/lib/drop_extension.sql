-- Drops the extension: the worker ends, and takes its slot along.
SELECT count(pg_terminate_backend(brigade.worker_pid(), 60000)) AS ended;
DROP EXTENSION pg_brigade;
DROP SCHEMA brigade;
DO $$
BEGIN
  FOR i IN 1 .. 6000 LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM pg_replication_slots);
    COMMIT;
    PERFORM pg_sleep(0.01);
  END LOOP;
END $$;
