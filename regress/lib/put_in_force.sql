-- Deploys a config, and awaits that it is active.
CREATE PROCEDURE put_in_force(yaml text) LANGUAGE plpgsql AS $$
  DECLARE
    wanted integer := brigade.deploy(yaml) ->> 'config';
  BEGIN
    COMMIT;
    -- Sessions are not told when a config becomes active, so ask, for a minute at most.
    FOR i IN 1 .. 6000 LOOP
      IF EXISTS (SELECT FROM brigade.sync_config WHERE id = wanted AND state = 'active') THEN
        RETURN;
      END IF;
      COMMIT;
      PERFORM pg_sleep(0.01);
    END LOOP;
    RAISE EXCEPTION 'the config never becomes active';
  END
  $$;
