# Compaction is killed at random points while buckets are written, compacted, defragmented and
# pruned. What it leaves is right at any of them, and it goes on by itself. KILLS: how often
# (default 12).
use strict;
use warnings;

use Brigade;
use Test::More;
use Time::HiRes qw(sleep);

my $kills = $ENV{KILLS} // 12;
my $seed = $ENV{SEED} // 1;
srand $seed;
note "seed $seed, $kills kills";

# So slow that most kills come in the middle of a pass.
my $server = new_server('compaction_kill', 'max_worker_processes = 16', 'fsync = on',
    'pg_brigade.compaction_delay = 0', 'pg_brigade.compaction_rate = 20000',
    'pg_brigade.compaction_workers = 2', 'pg_brigade.defragmentation_ratio = 1.1',
    'pg_brigade.defragmentation_share = 100', 'pg_brigade.pruning_interval = 1');
deploy_todo($server);

sub query {
    my ($sql) = @_;
    return $server->safe_psql('postgres', $sql);
}

sub write_some {
    query(<<"SQL");
        INSERT INTO settings SELECT 'row ' || n, 'x' FROM generate_series(1, 4000) n
          ON CONFLICT (id) DO UPDATE SET value = settings.value || '$_[0]' WHERE random() < 0.5;
        DELETE FROM settings WHERE id LIKE 'row %' AND random() < 0.05;
        UPDATE todos SET completed = NOT completed;
SQL
    return;
}

sub compactor {
    $server->poll_query_until('postgres', <<'SQL') or die 'compaction does not run';
        SELECT count(*) >= 1 FROM pg_stat_activity WHERE backend_type LIKE 'pg_brigade compaction%'
SQL
    return split /\n/, query(<<'SQL');
        SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'pg_brigade compaction%'
SQL
}

# A server that is starting may break the pipe to psql, which ends a poll_query_until.
sub wait_for_server {
    for (1 .. 600) {
        return if eval { $server->psql('postgres', 'SELECT true') == 0 };
        sleep 0.1;
    }
    die 'the server does not come back';
}

my $op_id = 0;
for my $round (1 .. $kills) {
    write_some($round);
    wait_until_stored($server);
    sleep rand 0.6;
    my @processes = compactor();
    my $process = $processes[rand @processes];
    kill 'KILL', $process;
    sleep 0.02 while kill 0, $process;
    wait_for_server();
    cmp_ok(op_id($server), '>=', $op_id, "round $round: op ids did not go down");
    $op_id = op_id($server);
    is_stored_as_in_source($server, "round $round");
}

is(query(<<'SQL'), '', 'counters and checksums are those of operations');
    SELECT b.id, b.operation_count, o.count, b.checksum, o.checksum
    FROM brigade.bucket b LEFT JOIN (
      SELECT bucket, count(*), mod(sum(checksum), 4294967296) AS checksum
      FROM brigade.bucket_op GROUP BY bucket) o ON o.bucket = b.id
    WHERE (b.operation_count, b.checksum) IS DISTINCT FROM (o.count, o.checksum::bigint)
SQL
ok($server->poll_query_until('postgres', <<'SQL'), 'what was left off is done in the end');
    SELECT bool_and(operations <= 1.2 * rows + 32) FROM brigade.buckets
    WHERE bucket LIKE '%settings%'
SQL
is_stored_as_in_source($server, 'in the end');
cmp_ok(query(<<'SQL'), '>', 1000, 'much was deleted meanwhile');
    SELECT op_id - (SELECT count(*) FROM brigade.bucket_op) FROM brigade.checkpoint
SQL
done_testing();
