-- pg_brigade 0.1.0
\echo Use "CREATE EXTENSION pg_brigade" to load this file. \quit

-- ---------------------------------------------------------------------------------------------
-- Storage. Nothing here is readable by PUBLIC: it holds user data.
-- ---------------------------------------------------------------------------------------------

CREATE TABLE brigade.sync_config (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  yaml text NOT NULL,
  plan text NOT NULL,
  state text NOT NULL DEFAULT 'processing'
    CHECK (state IN ('processing', 'active', 'stopped', 'errored')),
  definitions integer[],
  deployed_at timestamptz NOT NULL DEFAULT now(),
  activated_at timestamptz,
  retained_until timestamptz,
  error text
);
CREATE UNIQUE INDEX sync_config_one_active ON brigade.sync_config ((true)) WHERE state = 'active';
COMMENT ON TABLE brigade.sync_config IS
  'One deployed sync config: its text, the plan compiled from it, and how far its deploy is.';
COMMENT ON COLUMN brigade.sync_config.retained_until IS
  'Of a config that was active before: until then its data is kept up to date, so that deploying '
  'it again takes effect at once.';
COMMENT ON COLUMN brigade.sync_config.definitions IS
  'Ids in brigade.definition, parallel to the plan''s definitions; null until the worker begins.';
-- A dump holds the config in force; after a restore the worker deploys it anew. All else is made
-- from the tables.
SELECT pg_catalog.pg_extension_config_dump('brigade.sync_config', $$WHERE state = 'active'$$);
SELECT pg_catalog.pg_extension_config_dump('brigade.sync_config_id_seq', '');

CREATE TABLE brigade.definition (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest text NOT NULL UNIQUE,
  canonical text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('bucket_source', 'lookup_index')),
  bucket_name text NOT NULL,
  state text NOT NULL CHECK (state IN ('staging', 'live', 'dropping'))
);
COMMENT ON TABLE brigade.definition IS
  'One bucket source or lookup index, by content. Configs with an equal definition share it.';
COMMENT ON COLUMN brigade.definition.bucket_name IS
  'Full names of its buckets are this text followed by the bucket''s parameters.';

CREATE TABLE brigade.bucket (
  id bigint PRIMARY KEY,
  definition integer NOT NULL,
  parameters text NOT NULL,
  operation_count bigint NOT NULL,
  checksum bigint NOT NULL,
  last_op_id bigint NOT NULL,
  created_commit bigint NOT NULL,
  key_hash bigint NOT NULL
) WITH (fillfactor = 50);
-- Parameters themselves may be longer than an entry of an index. The hash alone finds a bucket;
-- with the definition, the planner takes this index before it knows anything about the table.
CREATE INDEX bucket_key ON brigade.bucket (key_hash, definition);
CREATE INDEX bucket_definition ON brigade.bucket (definition);
COMMENT ON TABLE brigade.bucket IS
  'One bucket and its state at the newest checkpoint. Half-filled pages keep the updates HOT.';
COMMENT ON COLUMN brigade.bucket.checksum IS
  'Sum of its operations'' checksums modulo 2^32, unsigned.';
COMMENT ON COLUMN brigade.bucket.created_commit IS
  'The storage commit that made the bucket.';
COMMENT ON COLUMN brigade.bucket.key_hash IS
  'Hash of definition and parameters. Two buckets may share it: readers compare these too.';

CREATE TABLE brigade.bucket_op (
  bucket bigint NOT NULL,
  op_id bigint NOT NULL,
  checksum bigint NOT NULL,
  target_op_id bigint,
  op "char" NOT NULL,
  subkey uuid,
  object_type text,
  object_id text,
  data text,
  PRIMARY KEY (bucket, op_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE brigade.bucket_op IS
  'The operation history of buckets: P put, R remove, M move, C clear. Append only, but for '
  'compaction.';
COMMENT ON COLUMN brigade.bucket_op.target_op_id IS
  'Set when compaction merged later operations into this one: a checkpoint before it is invalid.';

CREATE TABLE brigade.bucket_compaction (
  bucket bigint PRIMARY KEY,
  compacted_op_id bigint NOT NULL DEFAULT 0,
  operation_count bigint NOT NULL DEFAULT 0,
  row_count bigint NOT NULL DEFAULT 0,
  data_bytes bigint NOT NULL DEFAULT 0,
  checked_at timestamptz,
  due_at timestamptz,
  reappended bigint NOT NULL DEFAULT 0,
  reappended_since timestamptz
) WITH (fillfactor = 70);
CREATE INDEX bucket_compaction_due ON brigade.bucket_compaction (due_at)
  WHERE due_at IS NOT NULL;
COMMENT ON TABLE brigade.bucket_compaction IS
  'What compaction knows of a bucket. Only compaction writes here, so that it never waits for the '
  'writer nor the writer for it.';
COMMENT ON COLUMN brigade.bucket_compaction.compacted_op_id IS
  'Up to this operation, each row has one operation at most.';
COMMENT ON COLUMN brigade.bucket_compaction.operation_count IS
  'Operations left up to compacted_op_id; row_count and data_bytes are those of rows among them.';
COMMENT ON COLUMN brigade.bucket_compaction.due_at IS
  'When the bucket is looked at next; null: when enough was written.';

COMMENT ON COLUMN brigade.bucket_compaction.reappended IS
  'Rows that the writer was asked to append again in the day that began at reappended_since.';

CREATE TABLE brigade.reappend_request (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bucket bigint NOT NULL,
  through_op_id bigint NOT NULL,
  op_ids bigint[] NOT NULL
);
COMMENT ON TABLE brigade.reappend_request IS
  'Operations, each the newest of its row as of through_op_id, that the writer is to append again '
  'so that the history before them can be cleared.';

CREATE TABLE brigade.compaction_state (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  followed_commit bigint NOT NULL DEFAULT 0,
  compactions bigint NOT NULL DEFAULT 0,
  examined bigint NOT NULL DEFAULT 0,
  moved bigint NOT NULL DEFAULT 0,
  deleted bigint NOT NULL DEFAULT 0,
  reappended bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);
INSERT INTO brigade.compaction_state DEFAULT VALUES;
COMMENT ON TABLE brigade.compaction_state IS
  'Up to which storage commit written buckets have been scheduled, and what compaction has done '
  'since the extension was created, in buckets and operations.';

CREATE TABLE brigade.row_membership (
  definition integer NOT NULL,
  subkey uuid NOT NULL,
  object_type text NOT NULL,
  object_id text NOT NULL,
  buckets bigint[] NOT NULL,
  PRIMARY KEY (subkey, definition)
) WITH (fillfactor = 80);
COMMENT ON TABLE brigade.row_membership IS
  'Which buckets of a definition a source row is in now; only where what the WAL holds of old rows '
  'does not tell.';

CREATE TABLE brigade.out_of_line_value (
  subkey uuid NOT NULL,
  attribute smallint NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (subkey, attribute)
);
COMMENT ON TABLE brigade.out_of_line_value IS
  'Out-of-line (TOAST) values of source rows whose old state is not in the WAL: an update that '
  'leaves them alone does not tell them again.';
COMMENT ON COLUMN brigade.out_of_line_value.value IS
  'The value as the source table holds it, without its length word.';

CREATE TABLE brigade.lookup (
  definition integer NOT NULL,
  key_hash bigint NOT NULL,
  subkey uuid NOT NULL,
  key text NOT NULL,
  value text NOT NULL
);
CREATE INDEX lookup_key ON brigade.lookup (key_hash);
CREATE INDEX lookup_row ON brigade.lookup (subkey, definition);
COMMENT ON TABLE brigade.lookup IS
  'Current lookup entries: key to value, and the source row that makes them.';

CREATE TABLE brigade.followed_table (
  relation oid PRIMARY KEY,
  table_name text NOT NULL,
  replica_identity text NOT NULL,
  file_node bigint NOT NULL,
  columns text[] NOT NULL,
  definitions integer[] NOT NULL
);
COMMENT ON TABLE brigade.followed_table IS
  'Source tables as they were when last looked at: what differs from the catalog was changed by '
  'DDL since.';

CREATE TABLE brigade.table_copy (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  relation oid NOT NULL,
  table_name text NOT NULL,
  reason text NOT NULL,
  definitions integer[] NOT NULL,
  file_node bigint,
  next_block bigint NOT NULL DEFAULT 0,
  next_offset integer NOT NULL DEFAULT 1,
  block_count bigint,
  row_count bigint NOT NULL DEFAULT 0,
  requested_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  since_commit bigint NOT NULL DEFAULT -1,
  since_op bigint NOT NULL DEFAULT 0,
  phase text NOT NULL DEFAULT 'waiting'
    CHECK (phase IN ('waiting', 'gathering', 'copying', 'removing')),
  next_subkey uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  step text NOT NULL DEFAULT 'held rows'
    CHECK (step IN ('held rows', 'memberships', 'lookups', 'operations')),
  read_commit bigint NOT NULL DEFAULT -1,
  read_op bigint NOT NULL DEFAULT 0,
  pass_commit bigint NOT NULL DEFAULT -1,
  pass_op bigint NOT NULL DEFAULT 0,
  bucket bigint NOT NULL DEFAULT 0,
  bucket_op bigint NOT NULL DEFAULT 0,
  held bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE brigade.table_copy IS
  'Tables waiting to be copied into definitions, or being copied: which, why, and how far.';
COMMENT ON COLUMN brigade.table_copy.phase IS
  'What buckets hold of the table is gathered first, then the table is copied, then what it does '
  'not have any more is removed.';
COMMENT ON COLUMN brigade.table_copy.since_commit IS
  'Buckets held nothing of the table up to this commit, whose newest operation is since_op; -1: '
  'they may have.';
COMMENT ON COLUMN brigade.table_copy.next_subkey IS
  'Where gathering or removing goes on, among rows that are ordered by subkey.';
COMMENT ON COLUMN brigade.table_copy.step IS
  'What is being gone through while gathering: what an earlier copy left in held_row and '
  'row_membership, then lookups and operations.';
COMMENT ON COLUMN brigade.table_copy.held IS 'Rows gathered in held_row, at most.';
COMMENT ON COLUMN brigade.table_copy.read_commit IS
  'Operations up to this commit, whose newest is read_op, have been gathered; the pass up to '
  'pass_commit and pass_op has come to bucket, of which it has read up to bucket_op.';
COMMENT ON COLUMN brigade.table_copy.file_node IS
  'The file being read; a table that has been rewritten since is copied from its beginning.';

CREATE TABLE brigade.held_row (
  definition integer NOT NULL,
  subkey uuid NOT NULL,
  bucket bigint NOT NULL,
  checksum bigint NOT NULL,
  object_type text NOT NULL,
  object_id text NOT NULL
);
CREATE INDEX held_row_subkey ON brigade.held_row (subkey, definition);
CREATE INDEX held_row_bucket ON brigade.held_row (bucket, subkey);
COMMENT ON TABLE brigade.held_row IS
  'While a table is copied again: what buckets held of it before, less what was said anew since. '
  'Bucket 0 stands for lookup entries.';

CREATE TABLE brigade.checkpoint (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  commit_id bigint NOT NULL,
  op_id bigint NOT NULL,
  lsn pg_lsn NOT NULL,
  committed_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20);
INSERT INTO brigade.checkpoint (commit_id, op_id, lsn) VALUES (0, 0, '0/0');
COMMENT ON TABLE brigade.checkpoint IS
  'The newest storage commit: its number, the newest op id and the WAL position it reached.';

CREATE TABLE brigade.commit_log (
  commit_id bigint PRIMARY KEY,
  op_id bigint NOT NULL,
  buckets bigint[] NOT NULL,
  dependencies bigint[] NOT NULL,
  config_changed boolean NOT NULL,
  committed_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE brigade.commit_log IS
  'What each storage commit changed, for sidecars that follow. Pruned.';
COMMENT ON COLUMN brigade.commit_log.config_changed IS
  'Another config serves, or too many lookup keys changed to list them: all sessions are to be '
  'resolved again.';

-- Three columns, in this order: the worker decodes the table's rows from the WAL.
CREATE TABLE brigade.write_checkpoint (
  user_id text NOT NULL,
  client_id text NOT NULL,
  request_id bigint NOT NULL,
  PRIMARY KEY (user_id, client_id)
);
COMMENT ON TABLE brigade.write_checkpoint IS
  'The newest write checkpoint each client asked for. Its row is WAL itself: when the worker '
  'reaches it, everything committed before is stored.';

CREATE TABLE brigade.acknowledged_write_checkpoint (
  user_id text NOT NULL,
  client_id text NOT NULL,
  request_id bigint NOT NULL,
  commit_id bigint NOT NULL,
  acknowledged_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, client_id)
);
CREATE INDEX acknowledged_write_checkpoint_commit
  ON brigade.acknowledged_write_checkpoint (commit_id);
COMMENT ON TABLE brigade.acknowledged_write_checkpoint IS
  'The newest write checkpoint of each client that a storage commit covers.';

CREATE TABLE brigade.worker_error (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  message text NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE brigade.worker_error IS
  'The last error that ended the worker. It is started again.';

CREATE TABLE brigade.row_error (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  definition integer,
  table_name text NOT NULL,
  row_key text NOT NULL,
  reason text NOT NULL,
  occurred_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE brigade.row_error IS
  'Rows that could not be processed. They are missing from buckets; all others go on.';

CREATE VIEW brigade.errors AS
  SELECT table_name, row_key, reason, definition, occurred_at FROM brigade.row_error;
COMMENT ON VIEW brigade.errors IS 'Rows that could not be processed, and why.';

-- ---------------------------------------------------------------------------------------------
-- Deploying
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION brigade.deploy(yaml text) RETURNS json
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_deploy';
COMMENT ON FUNCTION brigade.deploy(text) IS
  'Deploys a sync config (YAML). Raises with line, column and remedy if it has an error; '
  'then nothing changes.';

CREATE FUNCTION brigade.validate(yaml text) RETURNS json
  LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_validate';
COMMENT ON FUNCTION brigade.validate(text) IS
  'Checks a sync config (YAML) without deploying it; lists errors and warnings with their places.';

CREATE FUNCTION brigade.plan_deploy(yaml text) RETURNS json
  LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_plan_deploy';
COMMENT ON FUNCTION brigade.plan_deploy(text) IS
  'What deploying a sync config (YAML) would do: the definitions kept, added and removed, with '
  'estimates of the rows in their tables (null: never analyzed), and of the rows to copy.';

CREATE FUNCTION brigade.reconcile(source regclass DEFAULT NULL) RETURNS bigint
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    queued bigint;
  BEGIN
    INSERT INTO brigade.table_copy (relation, table_name, reason, definitions)
      SELECT relation, table_name, 'requested', definitions FROM brigade.followed_table
      WHERE source IS NULL OR relation = source
        OR relation IN (SELECT relid FROM pg_partition_tree(source));
    GET DIAGNOSTICS queued = ROW_COUNT;
    IF queued = 0 AND source IS NOT NULL THEN
      RAISE EXCEPTION 'no sync config in force reads table %', source
        USING ERRCODE = 'undefined_table',
        HINT = 'brigade.followed_table lists the tables that are followed.';
    END IF;
    PERFORM brigade.start();
    RETURN queued;
  END
  $$;
COMMENT ON FUNCTION brigade.reconcile(regclass) IS
  'Compares a table, or all, with what buckets hold, beside the live stream, and sends what '
  'differs. Returns the number of tables queued; brigade.progress shows them.';

-- ---------------------------------------------------------------------------------------------
-- The worker
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION brigade.start() RETURNS boolean
  LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_start';
COMMENT ON FUNCTION brigade.start() IS
  'Makes sure the worker of this database runs; true if this call started it.';

CREATE FUNCTION brigade.worker_pid() RETURNS integer
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT pid FROM pg_stat_activity
    WHERE backend_type = 'pg_brigade worker' AND datname = current_database()
  $$;
COMMENT ON FUNCTION brigade.worker_pid() IS
  'Process id of this database''s worker; null if it does not run.';

CREATE FUNCTION brigade.cancel_deploy() RETURNS boolean
  LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    UPDATE brigade.sync_config SET state = 'stopped', error = 'cancelled'
      WHERE state = 'processing';
    IF NOT FOUND THEN
      RETURN false;
    END IF;
    PERFORM brigade.start();
    RETURN true;
  END
  $$;
COMMENT ON FUNCTION brigade.cancel_deploy() IS
  'Gives up the deploy in progress; the config in force stays. False if there is none.';

CREATE FUNCTION brigade.slot_name() RETURNS name
  LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
  AS $$ SELECT 'pg_brigade_' || oid FROM pg_database WHERE datname = current_database() $$;
COMMENT ON FUNCTION brigade.slot_name() IS 'The replication slot of this database''s worker.';

CREATE VIEW brigade.status AS
  SELECT
    CASE WHEN pg_is_in_recovery() THEN 'standby' WHEN worker.pid IS NULL THEN 'stopped'
      WHEN configs.active IS NULL AND configs.processing IS NULL THEN 'idle'
      WHEN configs.processing IS NOT NULL THEN 'deploying' ELSE 'running' END AS state,
    worker.pid AS worker_pid, configs.active AS active_config,
    configs.processing AS processing_config, checkpoint.lsn, checkpoint.op_id,
    checkpoint.commit_id, checkpoint.committed_at,
    pg_wal_lsn_diff(written.lsn, greatest(checkpoint.lsn, slot.confirmed_flush_lsn))::bigint
      AS lag_bytes,
    -- The worker confirms WAL without changes of interest in steps of 1 MB.
    CASE WHEN written.lsn - greatest(checkpoint.lsn, slot.confirmed_flush_lsn) <= 2097152 THEN 0
      ELSE extract(epoch FROM clock_timestamp() - checkpoint.committed_at) END AS lag_seconds,
    (SELECT round((max(op_id) - min(op_id)) / 60.0, 1) FROM brigade.commit_log
     WHERE committed_at > clock_timestamp() - interval '1 minute') AS operations_per_second,
    slot.slot_name, slot.active AS slot_active, slot.wal_status, slot.safe_wal_size,
    (SELECT count(*) FROM brigade.table_copy) AS tables_to_copy,
    failure.message AS last_error, failure.occurred_at AS last_error_at
  FROM brigade.checkpoint
  CROSS JOIN (SELECT max(id) FILTER (WHERE state = 'active') AS active,
                     max(id) FILTER (WHERE state = 'processing') AS processing
              FROM brigade.sync_config) AS configs
  CROSS JOIN (SELECT brigade.worker_pid() AS pid) AS worker
  CROSS JOIN (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                     ELSE pg_current_wal_lsn() END AS lsn) AS written
  LEFT JOIN pg_replication_slots slot ON slot.slot_name = brigade.slot_name()
  LEFT JOIN brigade.worker_error failure ON true;
COMMENT ON VIEW brigade.status IS
  'How replication stands, in one row: the worker, the config in force, how far storage is behind '
  'the WAL (bytes; seconds since the last storage commit, 0 when all is stored), operations a '
  'second over the last minute, the slot, and the last error that ended the worker.';

CREATE VIEW brigade.progress AS
  SELECT table_name, reason, started_at IS NOT NULL AS started, row_count AS rows,
    next_block * block_size AS bytes, block_count * block_size AS bytes_total,
    round(100.0 * least(next_block, block_count) / nullif(block_count, 0), 1) AS per_cent,
    round(row_count / nullif(extract(epoch FROM clock_timestamp() - started_at), 0))
      AS rows_per_second,
    (clock_timestamp() - started_at) * (block_count / nullif(next_block, 0)::float - 1)
      AS remaining,
    definitions, requested_at, started_at, id, phase
  FROM brigade.table_copy,
    (SELECT current_setting('block_size')::bigint AS block_size) AS server
  ORDER BY id;
COMMENT ON VIEW brigade.progress IS
  'Tables being copied into buckets, or waiting for it, because of a deploy, DDL, a lost slot or '
  'brigade.reconcile(): the phase, the rows and bytes of the file read so far, and the time that '
  'is likely to remain.';
COMMENT ON COLUMN brigade.progress.phase IS
  'waiting; gathering what buckets hold of the table already; copying it; removing what buckets '
  'held and the table does not have.';
GRANT SELECT ON brigade.status, brigade.progress, brigade.errors TO pg_monitor;

-- ---------------------------------------------------------------------------------------------
-- Compaction
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION brigade.compact(bucket text DEFAULT NULL, defragment boolean DEFAULT false)
  RETURNS json
  LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_compact';
COMMENT ON FUNCTION brigade.compact(text, boolean) IS
  'Compacts one bucket, by its full name, or all, now and as fast as it can; returns what it did. '
  'With defragment, hardly more operations than rows are left: clients get the oldest rows again. '
  'Checkpoints that clients are downloading may have to be given up for the next ones.';

CREATE VIEW brigade.buckets AS
  SELECT d.bucket_name || b.parameters AS bucket, b.operation_count AS operations,
         c.row_count AS rows, c.data_bytes AS bytes, b.checksum::bit(32)::integer AS checksum,
         round(b.operation_count / nullif(c.row_count, 0)::numeric, 2) AS ratio,
         c.checked_at, c.due_at AS next_check, b.id, b.last_op_id
  FROM brigade.bucket b
  JOIN brigade.definition d ON d.id = b.definition
  LEFT JOIN brigade.bucket_compaction c ON c.bucket = b.id
  WHERE d.state <> 'dropping';
COMMENT ON VIEW brigade.buckets IS
  'Buckets: operations now; rows and bytes of data when compaction last looked (null: never); '
  'the ratio of the two; and when it looks again (null: when enough was written).';

CREATE VIEW brigade.compaction AS
  SELECT compactions, examined, moved, deleted, reappended,
         (SELECT count(*) FROM brigade.bucket_compaction WHERE due_at <= now()) AS buckets_due,
         (SELECT now() - min(due_at) FROM brigade.bucket_compaction WHERE due_at <= now()) AS behind
  FROM brigade.compaction_state;
COMMENT ON VIEW brigade.compaction IS
  'What compaction has done since the extension was created: buckets compacted, and operations '
  'examined, emptied, deleted and appended again; how many buckets wait for it, and for how long.';

GRANT USAGE ON SCHEMA brigade TO pg_monitor;
GRANT SELECT ON brigade.buckets, brigade.compaction TO pg_monitor;

-- ---------------------------------------------------------------------------------------------
-- The sidecar's interface (docs/sidecar-interface.md)
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION brigade.resolve(request jsonb) RETURNS json
  LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_resolve';
COMMENT ON FUNCTION brigade.resolve(jsonb) IS
  'The buckets a client''s request gets and their state, at one snapshot.';

CREATE FUNCTION brigade.changes(after_commit bigint) RETURNS json
  LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  -- Few commits are new: the plan that is good for few is made once, not with every commit.
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
  SET enable_mergejoin = off SET jit = off
  AS $$
  BEGIN
    RETURN (WITH head AS (SELECT commit_id, op_id FROM brigade.checkpoint),
    entries AS (SELECT * FROM brigade.commit_log WHERE commit_id > after_commit),
    changed AS (SELECT DISTINCT unnest(buckets) AS id FROM entries)
    SELECT json_build_object(
      'commit', head.commit_id,
      'op_id', head.op_id::text,
      'complete', (SELECT count(*) FROM entries) = head.commit_id - after_commit,
      'buckets', coalesce((
        SELECT json_agg(CASE WHEN b.created_commit > after_commit
          THEN json_build_object('id', b.id, 'name', d.bucket_name || b.parameters,
            'checksum', b.checksum::bit(32)::integer, 'count', b.operation_count,
            'last_op_id', b.last_op_id::text)
          ELSE json_build_object('id', b.id, 'checksum', b.checksum::bit(32)::integer,
            'count', b.operation_count, 'last_op_id', b.last_op_id::text) END)
        FROM changed JOIN brigade.bucket b USING (id)
        JOIN brigade.definition d ON d.id = b.definition), '[]'),
      'dependencies', coalesce((
        SELECT json_agg(DISTINCT dependency)
        FROM entries, unnest(entries.dependencies) AS dependency), '[]'),
      'write_checkpoints', coalesce((
        SELECT json_agg(json_build_object(
          'user_id', user_id, 'client_id', client_id, 'id', request_id::text))
        FROM brigade.acknowledged_write_checkpoint
        WHERE acknowledged_write_checkpoint.commit_id > after_commit), '[]'),
      'config_changed', coalesce((SELECT bool_or(config_changed) FROM entries), false))
    FROM head);
  END
  $$;
COMMENT ON FUNCTION brigade.changes(bigint) IS
  'What the storage commits after the given one changed, merged, at one snapshot.';

CREATE FUNCTION brigade.read_operations(ranges bigint[], operations_max integer, bytes_max bigint)
  RETURNS bytea
  LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_read_operations';
COMMENT ON FUNCTION brigade.read_operations(bigint[], integer, bigint) IS
  'The operations of ranges {bucket, after, until}, of which the first is exclusive, in their '
  'order: at most so many, and none after the one whose data pass so many bytes. '
  'docs/sidecar-interface.md describes the form.';

CREATE VIEW brigade.operation AS
  SELECT bucket, op_id, op, object_type, object_id, subkey::text AS subkey, checksum, data,
         target_op_id
  FROM brigade.bucket_op;
COMMENT ON VIEW brigade.operation IS 'Operations as clients get them, for people to look at.';

CREATE FUNCTION brigade.create_write_checkpoint(user_id text, client_id text) RETURNS bigint
  LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    INSERT INTO brigade.write_checkpoint AS stored
    VALUES (create_write_checkpoint.user_id, create_write_checkpoint.client_id, 1)
    ON CONFLICT (user_id, client_id) DO UPDATE SET request_id = stored.request_id + 1
    RETURNING request_id
  $$;
COMMENT ON FUNCTION brigade.create_write_checkpoint(text, text) IS
  'Asks for the next write checkpoint of a user and client; returns its id.';

CREATE FUNCTION brigade.request_checkpoint(user_id text, client_id text, request_id bigint)
  RETURNS bigint
  LANGUAGE sql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    INSERT INTO brigade.write_checkpoint AS stored
    VALUES (request_checkpoint.user_id, request_checkpoint.client_id,
            request_checkpoint.request_id)
    ON CONFLICT (user_id, client_id) DO UPDATE
      SET request_id = greatest(stored.request_id, excluded.request_id)
    RETURNING request_id
  $$;
COMMENT ON FUNCTION brigade.request_checkpoint(text, text, bigint) IS
  'Stores a client''s own checkpoint request id if it is newer; returns the stored one.';

CREATE FUNCTION brigade.sidecar_status() RETURNS json
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT json_build_object(
      'state', status.state, 'active_config', active_config,
      'processing_config', processing_config, 'lag_bytes', lag_bytes, 'lag_seconds', lag_seconds,
      'operations_per_second', operations_per_second, 'tables_to_copy', tables_to_copy,
      'row_errors', (SELECT count(*) FROM brigade.row_error),
      'operation_bytes', pg_total_relation_size('brigade.bucket_op'),
      'lookup_bytes', pg_total_relation_size('brigade.lookup'),
      'row_bytes', pg_total_relation_size('brigade.row_membership'),
      'compaction', (SELECT json_build_object('compactions', compactions, 'examined', examined,
          'moved', moved, 'deleted', deleted, 'reappended', reappended,
          'buckets_due', buckets_due,
          'behind_seconds', coalesce(extract(epoch FROM behind), 0)) FROM brigade.compaction))
    FROM brigade.status
  $$;
COMMENT ON FUNCTION brigade.sidecar_status() IS
  'How replication and compaction stand, and how much storage takes: for the sidecar''s metrics '
  'and health.';

CREATE FUNCTION brigade.diagnostics() RETURNS json
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    WITH shown AS (
      SELECT * FROM brigade.sync_config
      WHERE state IN ('active', 'processing')
         OR id = (SELECT max(id) FROM brigade.sync_config) AND state = 'errored'),
    tables AS (
      SELECT c.id AS config, f.relation,
             bool_or(d.kind = 'bucket_source') AS has_data,
             bool_or(d.kind = 'lookup_index') AS has_lookups
      FROM shown c
      JOIN brigade.followed_table f ON f.definitions && c.definitions
      JOIN brigade.definition d ON d.id = ANY (f.definitions) AND d.id = ANY (c.definitions)
      GROUP BY c.id, f.relation),
    described AS (
      SELECT config, json_build_object(
          'schema', nspname, 'name', relname,
          'replication_id', (
            SELECT coalesce(json_agg(attname ORDER BY place), '[]')
            FROM pg_index, unnest(indkey) WITH ORDINALITY AS key (number, place)
            JOIN pg_attribute ON attrelid = relation AND attnum = key.number
            WHERE indrelid = relation AND indisprimary),
          'data_queries', has_data, 'parameter_queries', has_lookups,
          'errors', (
            SELECT coalesce(json_agg(json_build_object('level', 'warning', 'ts', occurred_at,
                'message', 'row ' || row_key || ': ' || reason) ORDER BY id), '[]')
            FROM (SELECT * FROM brigade.row_error WHERE table_name = nspname || '.' || relname
                  ORDER BY id DESC LIMIT 10) AS newest)) AS described_table
      FROM tables
      JOIN pg_class ON pg_class.oid = relation
      JOIN pg_namespace ON pg_namespace.oid = relnamespace)
    SELECT json_build_object(
      'status', (SELECT row_to_json(status) FROM brigade.status),
      'progress', (SELECT coalesce(json_agg(progress), '[]') FROM brigade.progress),
      'configs', (
        SELECT coalesce(json_agg(json_build_object(
            'id', id, 'state', state, 'content', yaml, 'deployed_at', deployed_at,
            'activated_at', activated_at, 'error', error,
            'streams', (SELECT coalesce(json_agg(stream -> 'name'), '[]')
                        FROM json_array_elements(plan::json -> 'streams') AS stream),
            'tables', (
              SELECT coalesce(json_agg(described_table ORDER BY described_table ->> 'name'), '[]')
              FROM described WHERE config = shown.id)) ORDER BY id), '[]')
        FROM shown))
  $$;
COMMENT ON FUNCTION brigade.diagnostics() IS
  'The configs in force or in progress with their tables and errors, status and progress; for the '
  'sidecar''s admin API.';

CREATE FUNCTION brigade.grant_sidecar(role regrole) RETURNS void
  LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA brigade TO %s', role);
    EXECUTE format(
      'GRANT EXECUTE ON FUNCTION brigade.start(), brigade.resolve(jsonb), brigade.changes(bigint), '
      'brigade.read_operations(bigint[], integer, bigint), '
      'brigade.create_write_checkpoint(text, text), '
      'brigade.request_checkpoint(text, text, bigint), '
      'brigade.sidecar_status(), brigade.diagnostics(), brigade.reconcile(regclass), '
      'brigade.cancel_deploy(), brigade.deploy(text), brigade.validate(text) TO %s', role);
  END
  $$;
COMMENT ON FUNCTION brigade.grant_sidecar(regrole) IS
  'Grants a role exactly what the sidecar needs.';

-- ---------------------------------------------------------------------------------------------
-- Diagnostics: values
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION brigade.explain_values(source regclass, row_location tid,
    edition integer DEFAULT 3, timestamp_precision integer DEFAULT 6,
    from_wal boolean DEFAULT false)
  RETURNS json
  LANGUAGE c STABLE STRICT SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_explain_values';
COMMENT ON FUNCTION brigade.explain_values(regclass, tid, integer, integer, boolean) IS
  'Diagnostics: the row of a table at a ctid as sync configs of an edition (1 to 3) see its '
  'columns, with 0 to 6 digits after the second; with from_wal, as an update leaves it in the WAL. '
  'Null if the row is not visible. Needs SELECT on the table.';

-- ---------------------------------------------------------------------------------------------
-- Diagnostics: why does this user (not) see this row?
-- ---------------------------------------------------------------------------------------------

CREATE FUNCTION brigade.explained_request(request jsonb) RETURNS json
  LANGUAGE c STABLE STRICT SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_explain';
COMMENT ON FUNCTION brigade.explained_request(jsonb) IS 'brigade.explain() as JSON.';

CREATE FUNCTION brigade.explain(request jsonb)
  RETURNS TABLE (stream text, query_line integer, subscription integer, bucket text,
    priority integer, operations bigint, rows bigint, why text)
  LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT * FROM json_to_recordset(brigade.explained_request(request))
      AS found (stream text, query_line integer, subscription integer, bucket text,
        priority integer, operations bigint, rows bigint, why text)
  $$;
COMMENT ON FUNCTION brigade.explain(jsonb) IS
  'Diagnostics: the buckets a request (as for brigade.resolve; at least {"user_id": …}) gets, and '
  'by which query and rows; and of other queries, why they give none (then bucket is null). '
  'Subscriptions count from 0; null means the default. Needs the right to read the schema.';

CREATE FUNCTION brigade.explained_row(source regclass, row_location tid) RETURNS json
  LANGUAGE c STABLE STRICT SET search_path = pg_catalog, pg_temp
  AS 'MODULE_PATHNAME', 'brigade_explain_row';
COMMENT ON FUNCTION brigade.explained_row(regclass, tid) IS
  'brigade.explain_row() as JSON, of the row of a table at a ctid.';

CREATE FUNCTION brigade.explain_row(source regclass, key jsonb)
  RETURNS TABLE (part text, streams text[], bucket text, stored boolean, why text)
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
  AS $$
  #variable_conflict use_variable
  DECLARE
    columns text[];
    place record;
  BEGIN
    IF jsonb_typeof(key) <> 'object' THEN
      SELECT array_agg(a.attname) INTO columns
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = source AND i.indisprimary;
      IF cardinality(columns) = 1 THEN
        key := jsonb_build_object(columns[1], key);
      END IF;
    END IF;
    IF jsonb_typeof(key) <> 'object' OR key = '{}' THEN
      RAISE EXCEPTION 'the key of a row of % must be an object', source
        USING ERRCODE = 'invalid_parameter_value',
        HINT = 'Name columns and their values, for example {"id": 1}.';
    END IF;
    columns := ARRAY(SELECT jsonb_object_keys(key) EXCEPT SELECT attname FROM pg_attribute
      WHERE attrelid = source AND attnum > 0 AND NOT attisdropped);
    IF columns <> '{}' THEN
      RAISE EXCEPTION 'table % has no column "%"', source, columns[1]
        USING ERRCODE = 'undefined_column';
    END IF;
    BEGIN
      EXECUTE format('SELECT FROM jsonb_populate_record(NULL::%s, $1)', source) USING key;
    EXCEPTION WHEN data_exception THEN
      RAISE EXCEPTION 'the key % does not fit the columns of %', key, source
        USING ERRCODE = 'invalid_parameter_value', DETAIL = SQLERRM,
        HINT = 'Give values as the columns'' types write them.';
    END;
    columns := ARRAY(SELECT jsonb_object_keys(key));
    FOR place IN EXECUTE format(
      'SELECT s.tableoid::regclass AS relation, s.ctid AS location'
      ' FROM %1$s s, jsonb_populate_record(NULL::%1$s, $1) wanted WHERE %2$s', source,
      (SELECT string_agg(format('s.%1$I = wanted.%1$I', name), ' AND ')
       FROM unnest(columns) AS name)) USING key
    LOOP
      RETURN QUERY SELECT found.* FROM json_to_recordset(
        brigade.explained_row(place.relation, place.location))
        AS found (part text, streams text[], bucket text, stored boolean, why text);
    END LOOP;
    IF place IS NULL THEN
      RAISE EXCEPTION 'no row of % has the key %', source, key
        USING ERRCODE = 'no_data_found',
        HINT = 'It may have been deleted, or not be committed yet.';
    END IF;
  END
  $$;
COMMENT ON FUNCTION brigade.explain_row(regclass, jsonb) IS
  'Diagnostics: which buckets a row belongs to now and why, which lookup entries it makes, and '
  'which queries leave it out and why. key: the value of the primary key, or columns and values as '
  'an object. stored: whether storage holds just that already. Needs SELECT on the table and the '
  'right to read the schema.';

CREATE FUNCTION brigade.explain_row(source regclass, key text)
  RETURNS TABLE (part text, streams text[], bucket text, stored boolean, why text)
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp
  AS $$
  #variable_conflict use_variable
  DECLARE
    value jsonb := to_jsonb(key);
  BEGIN
    IF key LIKE '{%' THEN
      value := key::jsonb;
    END IF;
    RETURN QUERY SELECT * FROM brigade.explain_row(source, value);
  EXCEPTION WHEN invalid_text_representation THEN
    RAISE EXCEPTION 'the key of a row of % is not JSON: %', source, key
      USING ERRCODE = 'invalid_parameter_value', DETAIL = SQLERRM,
      HINT = 'Name columns and their values, for example {"id": 1}.';
  END
  $$;
COMMENT ON FUNCTION brigade.explain_row(regclass, text) IS
  'explain_row() with the primary key''s value as text, or the text of an object.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA brigade FROM PUBLIC;
GRANT EXECUTE ON FUNCTION brigade.worker_pid(), brigade.slot_name() TO pg_monitor;
