-- What each type's values become in SQLite, by edition; docs/types.md tells the rules.
CREATE EXTENSION pg_brigade;

CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE nested AS (p pair, t timestamptz, arr int[]);
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE DOMAIN dts AS timestamptz;
CREATE TABLE alltypes (
  id text PRIMARY KEY, c_bool bool, c_int2 int2, c_int4 int4, c_int8 int8, c_float4 float4,
  c_float8 float8, c_numeric numeric, c_numeric_p numeric(20,5), c_money money, c_oid oid,
  c_text text, c_varchar varchar(20), c_bpchar char(6), c_char1 "char", c_name name,
  c_bytea bytea, c_uuid uuid, c_json json, c_jsonb jsonb, c_jsonpath jsonpath, c_date date,
  c_time time, c_time0 time(0), c_timetz timetz, c_timestamp timestamp, c_timestamp3 timestamp(3),
  c_timestamptz timestamptz, c_timestamptz0 timestamptz(0), c_interval interval, c_int_arr int[],
  c_int8_arr int8[], c_text_arr text[], c_text_2d text[][], c_int_2d int[][], c_bool_arr bool[],
  c_float_arr float8[], c_numeric_arr numeric[], c_uuid_arr uuid[], c_ts_arr timestamp[],
  c_tstz_arr timestamptz[], c_date_arr date[], c_time_arr time[], c_jsonb_arr jsonb[],
  c_bytea_arr bytea[], c_enum mood, c_enum_arr mood[], c_comp pair, c_nested nested,
  c_comp_arr pair[], c_domain posint, c_domain_ts dts, c_domain_arr posint[],
  c_int4range int4range, c_numrange numrange, c_tsrange tsrange, c_tstzrange tstzrange,
  c_daterange daterange, c_int4mr int4multirange, c_tstzmr tstzmultirange, c_inet inet,
  c_cidr cidr, c_macaddr macaddr, c_macaddr8 macaddr8, c_bit bit(4), c_varbit varbit, c_xml xml,
  c_tsvector tsvector, c_point point, c_pg_lsn pg_lsn);


-- Infinities, years before Christ and of five digits, empty and odd arrays, numbers at limits.
SET timezone = 'UTC';
INSERT INTO alltypes VALUES
 ('typical', true, -123, 123456, 9007199254740993, 1.5, 2.25, 1234567890.0123456789012345, 42.5,
  1234.56, 12345, 'héllo "q" \ 😀', 'varchar', 'ab', 'x', 'namecol', '\x00ff10deadbeef',
  'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{"b": 1, "a": [1, 2.50, null, "x"],  "dup":1,"dup":2}',
  '{"b": 1, "a": [1, 2.50, null, "x"], "big": 12345678901234567890}', '$.a[*] ? (@ > 1)',
  '2024-02-29', '13:14:15.123456', '13:14:15.6', '13:14:15.123456+05:30',
  '2024-02-29 13:14:15.123456', '2024-02-29 13:14:15.12', '2024-02-29 13:14:15.123456+05:30',
  '2024-02-29 13:14:15.5+00', '1 year 2 mons 3 days 04:05:06.789', '{1,2,3}',
  '{9007199254740993,-1}', '{a,"b c","d\"e",NULL,"null"}', '{{a,b},{c,d}}', '{{1,2},{3,4}}',
  '{t,f,NULL}', '{1.5,2,NaN,Infinity}', '{1.10,2}', '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}',
  '{"2024-02-29 13:14:15.123456"}', '{"2024-02-29 13:14:15.123456+02"}', '{2024-02-29}',
  '{13:14:15.5}', ARRAY['{"a": 1}'::jsonb, '[1,2]'], ARRAY['\x00ff'::bytea], 'happy',
  '{sad,happy}', ROW(7,'x, "y"')::pair,
  ROW(ROW(1,'in')::pair,'2024-02-29 13:14:15+00',ARRAY[1,2])::nested,
  ARRAY[ROW(1,'a')::pair,ROW(2,NULL)::pair], 5, '2024-02-29 13:14:15+00', '{5,6}', '[1,10)',
  '(1.5,2.5]', '[2024-01-01 00:00:00,2024-01-02 00:00:00)',
  '[2024-01-01 00:00:00+00,2024-01-02 00:00:00+00)', '[2024-01-01,2024-01-31]', '{[1,3),[5,9)}',
  '{[2024-01-01 00:00:00+00,2024-01-02 00:00:00+00)}', '192.168.0.1/24', '10.0.0.0/8',
  '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'1010', B'101', '<a>x</a>',
  'fat & cat'::text::tsvector, '(1.5,2)', '16/B374D848');
INSERT INTO alltypes (id) VALUES ('nulls');
INSERT INTO alltypes (
  id, c_bool, c_int2, c_int4, c_int8, c_float4, c_float8, c_numeric, c_numeric_p, c_money, c_text,
  c_varchar, c_bpchar, c_bytea, c_json, c_jsonb, c_date, c_time, c_timetz, c_timestamp,
  c_timestamp3, c_timestamptz, c_timestamptz0, c_interval, c_int_arr, c_text_arr, c_text_2d,
  c_float_arr, c_numeric_arr, c_ts_arr, c_tstz_arr, c_date_arr, c_jsonb_arr, c_enum, c_comp,
  c_domain_ts, c_int4range, c_numrange, c_tsrange, c_tstzrange, c_daterange, c_int4mr, c_tstzmr,
  c_inet) VALUES
 ('max', false, 32767, 2147483647, 9223372036854775807, 'Infinity', 'Infinity', 'NaN',
  '99999.99999', '92233720368547758.07', '', '', '', '\x', 'null', 'null', 'infinity', '24:00:00',
  '23:59:59.999999-15:59', 'infinity', 'infinity', 'infinity', 'infinity', '178000000 years',
  '{}', '{}', '{}', '{}', '{NaN}', '{infinity}', '{infinity}', '{infinity}', '{}', 'sad',
  ROW(NULL,NULL)::pair, 'infinity', 'empty', 'empty', 'empty', 'empty', 'empty', '{}', '{}', '::1'),
 ('min', false, -32768, -2147483648, -9223372036854775808, '-Infinity', '-Infinity', '-Infinity',
  '-99999.99999', '-92233720368547758.08', ' lead/trail ', ' ', ' x', '\xff', '"str"', '"str"',
  '-infinity', '00:00:00', '00:00:00+15:59', '-infinity', '-infinity', '-infinity', '-infinity',
  '-178000000 years', '{NULL}', '{NULL,""}', '{{NULL}}', '{-0}', '{0.000}', '{-infinity}',
  '{-infinity}', '{-infinity}', ARRAY[NULL::jsonb], 'ok', ROW(0,'')::pair, '-infinity', '(,)',
  '(,1]', '(,2024-01-01)', '(,infinity)', '(,2024-01-01)', '{(,1),[3,)}', '{(,)}', 'fe80::1/64'),
 ('bc', null, 0, 0, 0, 'NaN', 'NaN', '0', 0, 0, 'x', 'x', 'x', '\x00', '{}', '[]',
  '0044-03-15 BC', '00:00:00.000001', '12:00:00+00', '0044-03-15 12:00:00 BC',
  '0044-03-15 12:00:00.5 BC', '0044-03-15 12:00:00+00 BC', '0044-03-15 12:00:00+00 BC',
  '-1 day -00:00:01', '[0:1]={1,2}', '{"a\nb"}', '[2:2][3:3]={{x}}', '{-1e300,1e-300}', '{1e30}',
  '{"0044-03-15 12:00:00 BC"}', '{"0044-03-15 12:00:00+00 BC"}', '{"0044-03-15 BC"}', null, null,
  null, '0044-03-15 12:00:00+00 BC', '[5,5]', '[1,1]', '[2024-01-01 00:00:00.5,)',
  '[2024-01-01 00:00:00.5+00,)', '(2024-01-01,)', '{[1,2),[2,3)}', '{}', '10.1.2.3'),
 ('y10k', true, 1, 1, 9007199254740992, 3.4028235e38, 1.7976931348623157e308,
  '123456789012345678901234567890.12345678901234567890', 1, 1, 'x', 'x', 'x', '\x68656c6c6f',
  '1.50', '1.50', '10000-01-01', '01:02:03', '01:02:03+02', '12345-01-01 01:02:03',
  '2024-01-01 00:00:00.9999', '12345-01-01 01:02:03+00', '0001-01-01 00:00:00+00', '00:00:00',
  '{2147483647}', '{"\\","{","}",","," "}', '{{"a,b","c"}}', '{0.1,1e21,123456789012345680}',
  '{1}', '{"12345-01-01 01:02:03"}', '{"12345-01-01 01:02:03+00"}', '{10000-01-01}',
  ARRAY['12345678901234567890'::jsonb], 'ok', ROW(1,'line
break')::pair, '12345-01-01 01:02:03+00', '[-5,5)', '[0.0,1.50)',
  '[2024-01-01 00:00:00,infinity)', '[-infinity,infinity]', '[2024-01-01,infinity)', '{[1,2)}',
  '{(,2024-01-01 00:00:00+00),[2025-01-01 00:00:00+00,)}', '::ffff:1.2.3.4'),
 ('floats', true, 1, 1, 1, 0.1, 1e15, '0.10', '0.10', 0, 'x', 'x', 'x', '\x00',
  '{"a":1.0,"b":1e5,"c":-0.0}', '{"a":1.0,"b":1e5,"c":-0.0}', '1970-01-01', '01:02:03.1',
  '01:02:03.100000-07', '1970-01-01 00:00:00', '1970-01-01 00:00:00.001',
  '1969-12-31 23:59:59.999999+00', '1970-01-01 00:00:00+00', '00:00:00.5', null, null, null,
  '{1e15,1e16,1e17,1e20,1e22,1.0,100}', '{1e-10}', '{}', '{}', '{}', null, null, null,
  '1970-01-01 00:00:00.1+00', null, null, null, null, null, null, null, '0.0.0.0/0');
INSERT INTO alltypes (id, c_float4, c_float8) VALUES
 ('f1', 1, 1e16),
 ('f2', 16777216, 123456789012345678),
 ('f3', 1e10, 1e21),
 ('f4', 1e-7, 1e-7),
 ('f5', -0.0, '-0'),
 ('f6', 1e-5, 9007199254740993),
 ('f7', 3, 3),
 ('f8', 1234567.9, 1e22);
RESET timezone;

CREATE FUNCTION explain(edition int, digits int, from_wal boolean)
RETURNS TABLE (place bigint, name text, id text, value text)
LANGUAGE sql STABLE AS $$
  SELECT ordinality, key, id, value::text
  FROM alltypes t, json_each(brigade.explain_values('alltypes', t.ctid, $1, $2, $3))
    WITH ORDINALITY
  -- Nulls are shown where the row has a value.
  WHERE value::text <> 'null' OR to_jsonb(t) -> key <> 'null'
$$;

\pset format unaligned
\pset tuples_only on
\pset fieldsep ' '

-- Edition 3.
SELECT name, id, value FROM explain(3, 6, false) ORDER BY place, id COLLATE "C";

-- What edition 1 has otherwise.
SELECT name, id, one.value
FROM explain(1, 6, false) AS one FULL JOIN explain(3, 6, false) AS three USING (name, id)
WHERE one.value IS DISTINCT FROM three.value ORDER BY one.place, id COLLATE "C";

-- Edition 2 has nothing otherwise than edition 3.
SELECT name, id, value FROM explain(2, 6, false)
EXCEPT SELECT name, id, value FROM explain(3, 6, false);

-- timestamp_max_precision cuts digits off.
SELECT digits, name, value FROM generate_series(0, 6, 3) AS digits, explain(3, digits, false)
WHERE id = 'typical' AND name IN ('c_time', 'c_timestamp', 'c_tstz_arr') ORDER BY digits, name;

-- A row in the WAL has the values it has in the table.
SELECT count(*) > 0 AS compared FROM explain(1, 6, true);
SELECT name, id, in_table.value, in_wal.value FROM explain(1, 6, false) AS in_table
FULL JOIN explain(1, 6, true) AS in_wal USING (name, id)
WHERE in_wal.value IS DISTINCT FROM in_table.value;
SELECT name, id, in_table.value, in_wal.value FROM explain(3, 6, false) AS in_table
FULL JOIN explain(3, 6, true) AS in_wal USING (name, id)
WHERE in_wal.value IS DISTINCT FROM in_table.value;

-- Settings of a session change nothing.
CREATE TEMPORARY TABLE before AS SELECT * FROM explain(1, 6, false);
SET datestyle = 'German, DMY';
SET timezone = 'Pacific/Chatham';
SET intervalstyle = 'sql_standard';
SET bytea_output = 'escape';
SET extra_float_digits = -15;
SET lc_monetary = 'C';
SELECT name, id, value FROM explain(1, 6, false) EXCEPT SELECT name, id, value FROM before;

DROP FUNCTION explain;
DROP TABLE alltypes;
DROP TYPE nested, pair, mood;
DROP DOMAIN posint, dts;
DROP EXTENSION pg_brigade;
