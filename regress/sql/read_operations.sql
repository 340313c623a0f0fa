-- The sidecar reads many ranges at once (docs/sidecar-interface.md has the form).
CREATE EXTENSION pg_brigade;
INSERT INTO brigade.bucket_op (bucket, op_id, op, checksum, subkey, object_type, object_id, data)
VALUES (1, 1, 'P', 4294967295, '00112233-4455-6677-8899-aabbccddeeff', 'lists', 'a', '{}'),
       (1, 2, 'R', 2, '00112233-4455-6677-8899-aabbccddeeff', 'lists', 'a', NULL),
       (2, 3, 'P', 3, NULL, 'lists', 'b', repeat('x', 100)),
       (2, 4, 'P', 4, NULL, 'lists', 'c', '');
INSERT INTO brigade.bucket_op (bucket, op_id, op, checksum, target_op_id)
VALUES (1, 5, 'M', 5, 6), (3, 8, 'C', 8, 7);

CREATE FUNCTION read(ranges bigint[], operations_max integer DEFAULT 1000,
                     bytes_max bigint DEFAULT 1000)
  RETURNS text LANGUAGE sql
  RETURN encode(brigade.read_operations(ranges, operations_max, bytes_max), 'escape');

-- Operations of a range, its end, and where a CLEAR beyond it took what it held.
SELECT read('{{1,0,1}}');
SELECT read('{{1,1,5}}');
SELECT read('{{1,5,9}}') AS empty, read('{{3,0,7}}') AS cleared, read('{{3,0,8}}') AS clear;
SELECT read('{{4,0,9},{1,4,5}}');

-- How many operations each limit leaves, of how many ranges.
CREATE FUNCTION counted(ranges bigint[], operations_max integer, bytes_max bigint)
  RETURNS text LANGUAGE sql
  RETURN regexp_replace(read(ranges, operations_max, bytes_max), '[^PRMC]', '', 'g') || ' '
    || octet_length(brigade.read_operations(ranges, operations_max, bytes_max));
SELECT operations_max, bytes_max,
       counted('{{1,0,2},{2,0,4},{1,0,5}}', operations_max, bytes_max)
FROM (VALUES (1, 1000), (2, 1000), (3, 1000), (1000, 1), (1000, 2), (1000, 101), (1000, 102),
             (1000, 1000)) AS limits (operations_max, bytes_max);

-- Values that are stored compressed or out of line.
INSERT INTO brigade.bucket_op (bucket, op_id, op, checksum, data)
SELECT 5, 1, 'P', 1, repeat('x', 100000)
UNION ALL
SELECT 5, 2, 'P', 1, string_agg(md5(n::text), '') FROM generate_series(1, 1000) n;
SELECT octet_length(brigade.read_operations('{{5,0,2}}', 1000, 1000000)),
       position(convert_to((SELECT data FROM brigade.bucket_op WHERE (bucket, op_id) = (5, 2)),
                           'UTF8')
                IN brigade.read_operations('{{5,0,2}}', 1000, 1000000));

-- Other arguments.
SELECT read('{}') AS nothing;
SELECT read('{1,2,3}');
SELECT read('{{1,2}}');
SELECT read('{{1,2,NULL}}');

DROP FUNCTION counted, read;
DROP EXTENSION pg_brigade;
DROP SCHEMA brigade;
