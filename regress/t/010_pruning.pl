# What nobody needs any more is deleted in the background.
use strict;
use warnings;

use Brigade;
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

my $server = new_server('pruning', 'pg_brigade.compaction_delay = 0',
    'pg_brigade.commit_log_retention = 1', 'pg_brigade.pruning_interval = 1');
deploy_todo($server);

sub query {
    my ($sql) = @_;
    return $server->safe_psql('postgres', $sql);
}

sub becomes_true {
    my ($sql, $name) = @_;
    ok($server->poll_query_until('postgres', $sql), $name);
    return;
}

# Waits for a whole round of pruning that begins from now on. An old write checkpoint is deleted at
# the beginning of a round: the second one in a later round than the first.
sub wait_until_pruned_once {
    for my $round (1, 2) {
        query(<<'SQL');
            INSERT INTO brigade.acknowledged_write_checkpoint
            VALUES ('mark', 'c', 1, 1, now() - interval '91 days')
SQL
        $server->poll_query_until('postgres', <<'SQL') or die 'pruning never comes by';
            SELECT NOT EXISTS (SELECT FROM brigade.acknowledged_write_checkpoint
                               WHERE user_id = 'mark')
SQL
    }
    return;
}

query("INSERT INTO settings VALUES ('row $_', 'x')") for 1 .. 20;
query('ALTER TABLE todos ALTER description SET STORAGE EXTERNAL');
query("UPDATE todos SET description = repeat('x', 5000) WHERE description = 'bread'");
wait_until_stored($server);
becomes_true('SELECT count(*) = 0 FROM brigade.commit_log', 'the commit log is pruned');
is(query(q(SELECT (brigade.changes(0) ->> 'complete')::boolean)), 'f',
    'who follows from before is told');
is(query(q(SELECT (brigade.changes(commit_id) ->> 'complete')::boolean FROM brigade.checkpoint)),
    't', 'who has followed need not care');

query("SELECT brigade.create_write_checkpoint('old', 'c') FROM generate_series(1, 3)");
query("SELECT brigade.create_write_checkpoint('young', 'c') FROM generate_series(1, 3)");
wait_until_stored($server);
query(<<'SQL');
    UPDATE brigade.acknowledged_write_checkpoint SET acknowledged_at = now() - interval '91 days'
    WHERE user_id = 'old'
SQL
becomes_true(<<'SQL', 'write checkpoints of a client that is gone are pruned');
    SELECT NOT EXISTS (SELECT FROM brigade.acknowledged_write_checkpoint WHERE user_id = 'old')
SQL
is(query("SELECT brigade.create_write_checkpoint('young', 'c')"), 4, 'others are kept');
is(query("SELECT brigade.create_write_checkpoint('old', 'c')"), 1, 'it may come again');

# A config that keeps the lists only: everything else of the first one goes.
deploy($server, <<'YAML');
config:
  edition: 3
streams:
  lists:
    auto_subscribe: true
    query: SELECT * FROM lists WHERE owner_id = auth.user_id()
YAML
is(query('SELECT state FROM brigade.sync_config WHERE id = 1'), 'stopped',
    'another config is in force');

# Within pg_brigade.rollback_window nothing of it goes, however long ago the next one's activation.
my $definitions = query('SELECT count(*) FROM brigade.definition');
query("UPDATE brigade.sync_config SET activated_at = now() - interval '31 days' WHERE id = 2");
wait_until_pruned_once();
is(query('SELECT count(*) FROM brigade.out_of_line_value'), 1,
    'what updates need to know of tables is kept');
is(query("SELECT count(*) FROM brigade.definition WHERE state = 'live'"), $definitions,
    'definitions that can be gone back to are kept');
is(query('SELECT count(*) FROM brigade.sync_config WHERE retained_until > now()'), 1,
    'and their config');

query(<<'SQL');
    UPDATE brigade.sync_config SET activated_at = now() WHERE id = 2;
    UPDATE brigade.sync_config SET retained_until = now() WHERE id = 1;
SQL
becomes_true('SELECT count(*) = 1 FROM brigade.definition', 'unused definitions are dropped');
is(query(<<'SQL'), 'lists|3', 'with their operations');
    SELECT object_type, count(*) FROM brigade.operation GROUP BY 1
SQL
is(query('SELECT count(*) FROM brigade.out_of_line_value'), 0, 'out-of-line values');
is(query(<<'SQL'), '0|0|0', 'memberships, lookups and buckets');
    SELECT (SELECT count(*) FROM brigade.row_membership m
            WHERE NOT EXISTS (SELECT FROM brigade.definition WHERE id = m.definition)),
           (SELECT count(*) FROM brigade.lookup),
           (SELECT count(*) FROM brigade.bucket b
            WHERE NOT EXISTS (SELECT FROM brigade.definition WHERE id = b.definition))
SQL

is(query('SELECT count(*) FROM brigade.sync_config'), 2, 'the config before is kept for a while');
query("UPDATE brigade.sync_config SET activated_at = now() - interval '31 days' WHERE id = 2");
becomes_true('SELECT count(*) = 1 FROM brigade.sync_config', 'and then pruned');

# What was dropped comes back as new.
deploy($server, slurp_file(dirname(__FILE__) . '/../../examples/todo/sync-config.yaml'));
becomes_true("SELECT count(*) = 1 FROM brigade.sync_config WHERE state = 'active' AND id = 3",
    'the first config is in force again');
wait_until_stored($server);
is_stored_as_in_source($server, 'deployed again');
done_testing();
