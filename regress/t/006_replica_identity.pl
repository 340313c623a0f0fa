# Rows of tables of every replica identity are followed through all that DML can do to them, with
# values in line and out of line.
use strict;
use warnings;

use Brigade;
use Test::More;

my $server = new_server('replica_identity');
my @tables = ('by_key', 'by_index', 'by_full', 'by_full_without_key', 'by_two');
$server->safe_psql('postgres', 'CREATE EXTENSION pg_brigade');
foreach my $table (@tables) {
    my $key = $table =~ /by_key|by_full$/ ? 'PRIMARY KEY' : 'NOT NULL';
    $server->safe_psql('postgres', <<"SQL");
        CREATE TABLE $table (id text $key, part integer NOT NULL DEFAULT 1, owner text,
          long text, shared integer DEFAULT 1);
        -- EXTERNAL: not compressed, so that a moderate value goes out of line.
        ALTER TABLE $table ALTER long SET STORAGE EXTERNAL;
SQL
}
$server->safe_psql('postgres', <<'SQL');
    CREATE UNIQUE INDEX by_index_id ON by_index (id);
    ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_id;
    ALTER TABLE by_full REPLICA IDENTITY FULL;
    ALTER TABLE by_full_without_key REPLICA IDENTITY FULL;
    ALTER TABLE by_two ADD PRIMARY KEY (id, part);
SQL

sub each_table {
    my ($statements) = @_;
    $server->safe_psql('postgres', $statements =~ s/TABLE/$_/gr) foreach @tables;
    return;
}

$server->safe_psql('postgres', <<'SQL');
    CREATE TABLE later (id text PRIMARY KEY, long text, shared integer, note text);
    ALTER TABLE later ALTER long SET STORAGE EXTERNAL;
    INSERT INTO later SELECT name, repeat(name, 5000), 0 FROM unnest('{a,b,c,d}'::text[]) name;
SQL

# A row with a short value, one with an out-of-line value, both from before the deploy.
each_table(q(INSERT INTO TABLE VALUES ('old', 1, 'anna', 'short'),
    ('old long', 1, 'anna', repeat('o', 5000))));
my $rows = join "\n", map { <<"YAML" } @tables;
  $_:
    auto_subscribe: true
    query: SELECT * FROM $_ WHERE owner = auth.user_id() AND shared = 1
YAML
my $long_rows = join "\n", map { <<"YAML" } @tables;
  ${_}_long:
    auto_subscribe: true
    query: SELECT * FROM $_ AS long_$_ WHERE length(long) > 100
YAML
my $later = "  later: {auto_subscribe: true, query: SELECT * FROM later WHERE shared = 1}\n";
deploy($server, "config: {edition: 3}\nstreams:\n$rows\n$long_rows\n$later");

# Rows that were in no bucket when the table was copied.
my $shared = 'SELECT * FROM later WHERE shared = 1';
$server->safe_psql('postgres', "UPDATE later SET shared = 1 WHERE id = 'a'");
are_stored($server, 'a row that comes into a bucket', 'later', $shared);
is($server->safe_psql('postgres', <<'SQL'), '4', 'and its out-of-line value had been kept');
    SELECT count(*) FROM brigade.out_of_line_value
    WHERE get_byte(value, 0) BETWEEN ascii('a') AND ascii('d')
SQL

sub check {
    my ($name) = @_;
    foreach my $table (@tables) {
        are_stored($server, "$table: $name", $table,
            "SELECT * FROM $table WHERE shared = 1 AND owner IS NOT NULL");
        are_stored($server, "$table: $name, in a filter", "long_$table",
            "SELECT * FROM $table WHERE length(long) > 100");
    }
    return;
}

check('rows from before the deploy');

each_table(q(INSERT INTO TABLE VALUES ('new', 1, 'bert', repeat('n', 5000))));
each_table(q(UPDATE TABLE SET owner = 'bert' WHERE id = 'old long'));
check('an out-of-line value left alone, in the bucket of another user');

each_table(q(UPDATE TABLE SET shared = 0 WHERE id = 'new'));
check('it leaves its bucket');
each_table(q(UPDATE TABLE SET shared = 1 WHERE id = 'new'));
check('and comes back');

each_table(q(UPDATE TABLE SET long = repeat('c', 6000) WHERE id = 'new'));
each_table(q(UPDATE TABLE SET owner = 'carl' WHERE id = 'new'));
check('a changed out-of-line value');

each_table(q(UPDATE TABLE SET long = 'in line again' WHERE id = 'new'));
each_table(q(UPDATE TABLE SET owner = 'anna' WHERE id = 'new'));
each_table(q(UPDATE TABLE SET long = NULL WHERE id = 'new'));
each_table(q(UPDATE TABLE SET owner = 'bert' WHERE id = 'new'));
check('in line, then null');

# From here on two plans read each table: the config before can be gone back to, and stays exact.
deploy($server, "config: {edition: 3}\nstreams:\n$rows\n$later");
each_table(q(UPDATE TABLE SET id = 'renamed' WHERE id = 'old long'));
check('another key');
each_table(q(UPDATE TABLE SET owner = 'anna' WHERE id = 'renamed'));
check('its out-of-line value under the new key');
each_table(q(UPDATE TABLE SET part = 2 WHERE id = 'renamed'));
each_table(q(UPDATE TABLE SET owner = 'bert' WHERE id = 'renamed'));
check('a part of the key');

# In one transaction, and with one statement's changes building on another's.
each_table(<<'SQL');
    BEGIN;
    INSERT INTO TABLE VALUES ('brief', 1, 'anna', repeat('b', 5000));
    UPDATE TABLE SET owner = 'bert' WHERE id = 'brief';
    UPDATE TABLE SET id = 'brief 2' WHERE id = 'brief';
    UPDATE TABLE SET shared = 0 WHERE id = 'brief 2';
    UPDATE TABLE SET shared = 1 WHERE id = 'brief 2';
    DELETE FROM TABLE WHERE id = 'old';
    INSERT INTO TABLE VALUES ('old', 1, 'bert', 'again');
    COMMIT
SQL
check('many changes of a row in one transaction');

each_table(q(DELETE FROM TABLE WHERE id = 'brief 2'));
each_table(q(INSERT INTO TABLE VALUES ('brief 2', 1, 'anna', 'short now')));
each_table(q(UPDATE TABLE SET owner = 'bert' WHERE id = 'brief 2'));
check('a deleted row with the same key again');

each_table(q(BEGIN; SAVEPOINT a; UPDATE TABLE SET owner = 'nobody'; ROLLBACK TO a;
    UPDATE TABLE SET owner = 'carl' WHERE id = 'renamed'; COMMIT));
check('a subtransaction rolled back');

each_table(q(TRUNCATE TABLE));
each_table(q(INSERT INTO TABLE VALUES ('after', 1, 'anna', repeat('a', 5000))));
each_table(q(UPDATE TABLE SET owner = 'bert'));
check('after TRUNCATE');

is($server->safe_psql('postgres', 'SELECT count(*) FROM brigade.errors'), '0', 'no row failed');
is($server->safe_psql('postgres', <<'SQL'), '7', 'out-of-line values are kept where needed only');
    SELECT count(*) FROM brigade.out_of_line_value
SQL

# Values that were not kept, as those of rows that change before they are copied, are in the table,
# unless a later change took them away: that change says what became of the row.
$server->safe_psql('postgres', <<'SQL');
    DELETE FROM brigade.out_of_line_value;
    UPDATE later SET shared = 1, note = 'fetched' WHERE id = 'b';
SQL
are_stored($server, 'a value that is in the table only', 'later', $shared);
my $lock = $server->background_psql('postgres');
$lock->query_safe('BEGIN; LOCK brigade.checkpoint IN ACCESS EXCLUSIVE MODE');
$server->safe_psql('postgres', <<'SQL');
    UPDATE later SET shared = 1 WHERE id IN ('c', 'd');
    UPDATE later SET long = 'short' WHERE id = 'c';
    DELETE FROM later WHERE id = 'd';
SQL
$server->safe_psql('postgres', 'VACUUM later');
$lock->query_safe('COMMIT');
$lock->quit;
are_stored($server, 'values that are gone', 'later', $shared);
is($server->safe_psql('postgres', 'SELECT count(*) FROM brigade.errors'), '0', 'nothing failed');

# An identity that nobody sees in the catalog: the row's move is in no memory of it.
$server->safe_psql('postgres', <<'SQL');
    BEGIN;
    ALTER TABLE by_key REPLICA IDENTITY FULL;
    UPDATE by_key SET owner = 'meanwhile' WHERE id = 'after';
    ALTER TABLE by_key REPLICA IDENTITY DEFAULT;
    COMMIT;
SQL
wait_until_copied($server);
$server->safe_psql('postgres', "UPDATE by_key SET owner = 'later' WHERE id = 'after'");
are_stored($server, 'an identity that came and went', 'by_key', 'SELECT * FROM by_key');

# The same with an index, under which rows have other names.
$server->safe_psql('postgres', <<'SQL');
    INSERT INTO by_index VALUES ('x', 2, 'anna', 'x');
    ALTER TABLE by_index ADD CONSTRAINT part_is_unique UNIQUE (part);
SQL
wait_until_copied($server);
$server->safe_psql('postgres', <<'SQL');
    BEGIN;
    ALTER TABLE by_index REPLICA IDENTITY USING INDEX part_is_unique;
    UPDATE by_index SET owner = 'meanwhile';
    INSERT INTO by_index VALUES ('y', 3, 'anna', 'y');
    ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_id;
    COMMIT;
SQL
wait_until_copied($server);
$server->safe_psql('postgres', "UPDATE by_index SET owner = 'later'");
are_stored($server, 'an index that came and went', 'by_index', 'SELECT * FROM by_index');

# Without any identity inserts are followed, and what cannot be followed is told.
$server->safe_psql('postgres', 'ALTER TABLE by_key REPLICA IDENTITY NOTHING');
$server->safe_psql('postgres', "INSERT INTO by_key VALUES ('late', 1, 'anna', 'x')");
$server->safe_psql('postgres', "UPDATE by_key SET owner = 'bert' WHERE id = 'after'");
wait_until_stored($server);
like($server->safe_psql('postgres', 'SELECT table_name, reason FROM brigade.errors'),
    qr/^public\.by_key\|.*REPLICA IDENTITY/, 'REPLICA IDENTITY NOTHING: an update is told as lost');

done_testing();
