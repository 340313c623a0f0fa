-- Drops the extension: the worker ends, and takes its slot along.
SELECT count(pg_terminate_backend(brigade.worker_pid(), 60000)) AS ended;
DROP EXTENSION pg_brigade;
DROP SCHEMA brigade;
DO $$
BEGIN
  -- Nobody is told when a slot is gone, so ask, for a minute at most.
  FOR i IN 1 .. 6000 LOOP
    IF NOT EXISTS (SELECT FROM pg_replication_slots) THEN
      RETURN;
    END IF;
    COMMIT;
    PERFORM pg_sleep(0.01);
  END LOOP;
  RAISE EXCEPTION 'the slot outlives the extension';
END $$;
