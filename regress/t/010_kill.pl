# Processes die at random points of a random workload, and every step of the storage transaction
# fails at times. Afterwards buckets equal tables, counters equal operations, no op id was used
# twice, and none went down. KILLS: how often (default 24).
use strict;
use warnings;

use Brigade;
use POSIX ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $kills = $ENV{KILLS} // 24;
my $seed = $ENV{SEED} // 1;
srand $seed;
note "seed $seed, $kills kills";

my $node = "kill_$$";
my $server = new_server($node, 'max_connections = 30', 'fsync = on');
$server->safe_psql('postgres', <<'SQL');
    CREATE EXTENSION pg_brigade;
    CREATE TABLE plain (id integer PRIMARY KEY, owner text, v integer, long text);
    ALTER TABLE plain ALTER long SET STORAGE EXTERNAL;
    CREATE TABLE facts (id integer PRIMARY KEY, owner text, v integer);
    ALTER TABLE facts REPLICA IDENTITY FULL;
    CREATE TABLE members (id integer PRIMARY KEY, user_id text, team integer);
    CREATE TABLE docs (id integer PRIMARY KEY, team integer, v integer);

    -- A random transaction of a few statements, some of them rolled back.
    CREATE FUNCTION change(seed double precision) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      key integer;
    BEGIN
      PERFORM setseed(seed);
      FOR i IN 1 .. 1 + (random() * 5)::integer LOOP
        key := (random() * 200)::integer;
        BEGIN
          CASE (random() * 9)::integer
          WHEN 0, 1 THEN
            INSERT INTO plain VALUES (key, 'u' || key % 3, i, repeat(i::text, key * 30))
              ON CONFLICT (id) DO UPDATE SET v = excluded.v, owner = 'u' || i % 3;
          WHEN 2 THEN UPDATE plain SET owner = 'u' || i % 3 WHERE id % 7 = key % 7;
          WHEN 3 THEN DELETE FROM plain WHERE id = key;
          WHEN 4 THEN
            INSERT INTO facts VALUES (key, 'u' || key % 3, i)
              ON CONFLICT (id) DO UPDATE SET owner = 'u' || i % 3;
          WHEN 5 THEN UPDATE facts SET v = v + 1, id = id + 1000 WHERE id = key;
          WHEN 6 THEN DELETE FROM facts WHERE id % 20 = key % 20;
          WHEN 7 THEN
            INSERT INTO members VALUES (key, 'u' || key % 3, key % 5)
              ON CONFLICT (id) DO UPDATE SET team = i % 5;
          WHEN 8 THEN
            INSERT INTO docs VALUES (key, key % 5, i) ON CONFLICT (id) DO UPDATE SET team = i % 5;
          ELSE
            UPDATE docs SET v = v + 1;
            RAISE division_by_zero;
          END CASE;
        EXCEPTION WHEN division_by_zero OR unique_violation THEN NULL;
        END;
      END LOOP;
    END $$;
SQL
deploy($server, <<'YAML');
config: {edition: 3}
streams:
  plain: {auto_subscribe: true, query: SELECT * FROM plain WHERE owner = auth.user_id()}
  facts: {auto_subscribe: true, query: SELECT * FROM facts WHERE owner = auth.user_id()}
  docs:
    auto_subscribe: true
    query: SELECT * FROM docs WHERE team IN
      (SELECT team FROM members WHERE user_id = auth.user_id())
YAML

# Every storage table can fail a statement in three ways; `faults` says how likely.
$server->safe_psql('postgres', <<'SQL');
    CREATE TABLE faults (only_row boolean PRIMARY KEY DEFAULT true, probability double precision);
    INSERT INTO faults VALUES (true, 0);
    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      IF random() < (SELECT probability FROM public.faults) THEN
        IF random() < 0.5 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
        RAISE EXCEPTION 'injected into %', TG_TABLE_NAME;
      END IF;
      RETURN NULL;
    END $$;
    DO $$
    DECLARE
      name text;
    BEGIN
      FOREACH name IN ARRAY ARRAY['bucket', 'row_membership', 'out_of_line_value', 'lookup',
                                  'commit_log', 'checkpoint', 'acknowledged_write_checkpoint'] LOOP
        EXECUTE format('CREATE TRIGGER fail AFTER INSERT OR UPDATE OR DELETE ON brigade.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION public.fail()', name);
      END LOOP;
    END $$;
SQL

sub set_faults { return $server->safe_psql('postgres', "UPDATE faults SET probability = $_[0]"); }

my $highest = 0;

sub note_op_id {
    my $op_id = op_id($server);
    cmp_ok($op_id, '>=', $highest, 'op ids did not go down') if $op_id < $highest;
    $highest = $op_id;
    return;
}

# Starts changes in the background; they end with the server at the latest.
sub start_changes {
    my $script = $PostgreSQL::Test::Utils::tmp_check . '/changes.sql';
    open my $file, '>', $script or die $!;
    print $file 'SELECT change(', rand, ");\n" for 1 .. 150;
    close $file;
    my $pid = fork // die $!;
    return $pid if $pid;
    open STDIN, '<', '/dev/null' or die $!;
    open STDOUT, '>', '/dev/null' or die $!;
    open STDERR, '>&', \*STDOUT or die $!;
    exec 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-f', $script, '-d',
      $server->connstr('postgres') or POSIX::_exit(1);
}

sub end_changes {
    my ($pid) = @_;
    kill 'TERM', $pid;
    waitpid $pid, 0;
    return;
}

# Injected faults may end it at any moment, so one look has to do.
sub worker_or_wait {
    for (1 .. 600) {
        my $pid = worker_pid($server);
        return $pid if $pid =~ /^\d+$/;
        sleep 0.1;
    }
    die 'the worker does not come back';
}

# A server that is starting may break the pipe to psql, which ends a poll_query_until.
sub wait_for_server {
    for (1 .. 600) {
        return if eval { $server->psql('postgres', 'SELECT true') == 0 };
        sleep 0.1;
    }
    die 'the server does not come back';
}

my @accidents = (
    sub { kill 'KILL', worker_or_wait() },
    sub { $server->safe_psql('postgres', 'SELECT pg_terminate_backend(' . worker_or_wait() . ')') },
    sub { $server->stop('immediate'); $server->start },
    # The shared memory is in use until the last orphan has noticed. The dead postmaster may stay a
    # zombie for ever where nothing reaps orphans, and its lock files with it.
    sub {
        $server->kill9;
        sleep 0.05 while !system "pgrep -f '^postgres: $node: ' > /dev/null";
        unlink $server->data_dir . '/postmaster.pid', glob($server->host . '/.s.PGSQL.*');
        $server->start;
    },
);

for my $round (1 .. $kills) {
    my $changes = start_changes();
    set_faults(0.02) if $round % 3 == 0;
    sleep rand 0.5;
    $accidents[rand @accidents]->();
    end_changes($changes);
    wait_for_server();
    set_faults(0);
    $server->safe_psql('postgres', 'SELECT brigade.start()');
    note_op_id();
}

my %queries = (
    plain => 'SELECT * FROM plain', facts => 'SELECT * FROM facts', docs => 'SELECT * FROM docs');
are_stored($server, "$_ after $kills accidents", $_, $queries{$_}) foreach sort keys %queries;
is($server->safe_psql('postgres', <<'SQL'), '', 'counters and checksums are those of operations');
    SELECT b.id, b.operation_count, o.count, b.checksum, o.checksum, b.last_op_id, o.last
    FROM brigade.bucket b LEFT JOIN (
      SELECT bucket, count(*), mod(sum(checksum), 4294967296) AS checksum, max(op_id) AS last
      FROM brigade.bucket_op GROUP BY bucket) o ON o.bucket = b.id
    WHERE (b.operation_count, b.checksum, b.last_op_id)
      IS DISTINCT FROM (o.count, o.checksum::bigint, o.last)
SQL
is($server->safe_psql('postgres', <<'SQL'), '', 'no op id was given twice');
    SELECT op_id, count(*) FROM brigade.bucket_op GROUP BY op_id HAVING count(*) > 1
SQL
is($server->safe_psql('postgres', <<'SQL'), '', 'lookups are those of the table');
    (SELECT DISTINCT user_id, team FROM members EXCEPT
     SELECT key::jsonb ->> 0, (value::jsonb ->> 0)::integer FROM brigade.lookup)
    UNION ALL
    (SELECT key::jsonb ->> 0, (value::jsonb ->> 0)::integer FROM brigade.lookup EXCEPT
     SELECT DISTINCT user_id, team FROM members)
SQL

# ---- what makes the worker wait, or fail for a while, loses nothing either
my $worker = worker_or_wait();
$server->safe_psql('postgres', <<"SQL");
    ALTER DATABASE postgres SET statement_timeout = '1ms';
    ALTER DATABASE postgres SET lock_timeout = '50ms';
    ALTER DATABASE postgres SET default_transaction_read_only = on;
    SELECT pg_terminate_backend($worker);
SQL
# None of it is the worker's concern: it waits for the lock, and writes.
$server->safe_psql('postgres', <<'SQL');
    SET statement_timeout = 0;
    SET transaction_read_only = off;
    SET default_transaction_read_only = off;
    SELECT change(0.5), change(0.7);
    BEGIN;
    LOCK TABLE brigade.bucket, brigade.checkpoint;
    SELECT pg_sleep(1.5);  -- Longer than the lock_timeout that the database was given.
    COMMIT;
SQL
$server->safe_psql('postgres', <<'SQL');
    SET default_transaction_read_only = off;
    SET statement_timeout = 0;
    SELECT brigade.request_checkpoint('hostile', 'settings', 1);
    DO $$ BEGIN
      WHILE NOT EXISTS (SELECT FROM brigade.acknowledged_write_checkpoint
                        WHERE user_id = 'hostile') LOOP
        PERFORM pg_sleep(0.01);
        COMMIT;
      END LOOP;
    END $$;
    ALTER DATABASE postgres RESET ALL;
SQL
are_stored($server, "$_ after a lock and hostile settings", $_, $queries{$_})
  foreach sort keys %queries;

done_testing();
