-- What CREATE EXTENSION makes: documented, closed to the public, safe to call, and gone with it.
CREATE EXTENSION pg_brigade;

-- Everything a user meets has a comment.
SELECT classid::regclass AS catalog, pg_describe_object(classid, objid, 0) AS undocumented
FROM pg_depend
WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_brigade')
  AND classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
  AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = objid AND relkind IN ('S', 'i'))
  AND obj_description(objid, classid::regclass::name) IS NULL
ORDER BY 2;

-- The public may do nothing.
CREATE ROLE regress_brigade_nobody;
SELECT relname FROM pg_class
WHERE relnamespace = 'brigade'::regnamespace AND relkind IN ('r', 'v', 'S')
  AND has_table_privilege('regress_brigade_nobody', oid,
                          'SELECT, INSERT, UPDATE, DELETE, TRUNCATE');
SELECT oid::regprocedure FROM pg_proc
WHERE pronamespace = 'brigade'::regnamespace
  AND has_function_privilege('regress_brigade_nobody', oid, 'EXECUTE');
SELECT has_schema_privilege('regress_brigade_nobody', 'brigade', 'USAGE, CREATE');

-- No function looks a name up where its caller wants.
SELECT oid::regprocedure FROM pg_proc
WHERE pronamespace = 'brigade'::regnamespace
  AND NOT coalesce(proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
ORDER BY 1;

-- The sidecar's role gets what it needs, and no storage table.
CREATE ROLE regress_brigade_sidecar;
SELECT brigade.grant_sidecar('regress_brigade_sidecar');
SELECT relname FROM pg_class
WHERE relnamespace = 'brigade'::regnamespace AND relkind IN ('r', 'v', 'S')
  AND has_table_privilege('regress_brigade_sidecar', oid,
                          'SELECT, INSERT, UPDATE, DELETE, TRUNCATE');
SET ROLE regress_brigade_sidecar;
SELECT brigade.request_checkpoint('anna', 'device', 5);
SELECT brigade.read_operations('{{1,0,1}}', 1, 1);
SELECT brigade.changes(0) -> 'buckets' AS buckets;
SELECT brigade.sidecar_status() ->> 'active_config' AS active_config;
SELECT brigade.diagnostics() -> 'configs' AS configs;
SELECT brigade.cancel_deploy();
SELECT * FROM brigade.operation;
SELECT * FROM brigade.bucket_op;
SELECT brigade.grant_sidecar('regress_brigade_nobody');
RESET ROLE;

-- Nothing stays behind in the schema, which CREATE EXTENSION made for itself.
DROP EXTENSION pg_brigade;
DROP SCHEMA brigade;
DROP ROLE regress_brigade_nobody, regress_brigade_sidecar;
