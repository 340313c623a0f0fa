// Knows every row at every version, so that a query can be asked what it returned then.
//
// A transaction ends with `SELECT history.commit()`, which gives it the next version: the update of
// `oracle_clock`, whose row stays locked until the commit is over, makes versions follow the commit
// order, however transactions overlap before. Triggers keep every row version with the transaction
// that made it and the one that ended it. `oracle_clock` is synced to everyone, so a client's own
// data says which version it shows.

const quoteList = (columns) => columns.map(({ name }) => name).join(', ');

const clock = `
  CREATE SCHEMA history;
  CREATE SCHEMA as_of;
  CREATE TABLE oracle_clock (id text PRIMARY KEY, version bigint NOT NULL);
  INSERT INTO oracle_clock VALUES ('clock', 0);
  CREATE FUNCTION history.version() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT current_setting('oracle.version')::bigint $$;
  CREATE VIEW as_of.oracle_clock AS SELECT 'clock'::text AS id, history.version() AS version;`;

const viewSql = ({ name, columns }) => `
  CREATE VIEW as_of.${name} AS SELECT ${quoteList(columns)} FROM history.${name}
    WHERE started <= history.version() AND (ended IS NULL OR ended > history.version());`;

const trackedTable = (table) => `
  CREATE TABLE history.${table.name} (
    ${table.columns.map((column) => `${column.name} ${column.type}`).join(', ')},
    started_by xid8 DEFAULT pg_current_xact_id(), ended_by xid8, started bigint, ended bigint);
  CREATE INDEX ON history.${table.name} (started_by) WHERE started IS NULL;
  CREATE INDEX ON history.${table.name} (ended_by) WHERE ended_by IS NOT NULL AND ended IS NULL;
  CREATE INDEX ON history.${table.name} (ended);
  CREATE INDEX ON history.${table.name} (${table.key.join(', ')}) WHERE ended_by IS NULL;
  ${viewSql(table)}`;

const changedSql = ({ name, key, columns }) => {
  const isOld = key.map((column) => `${column} = old.${column}`).join(' AND ');
  return `
  CREATE OR REPLACE FUNCTION history.${name}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP <> 'INSERT' THEN
        UPDATE history.${name} SET ended_by = pg_current_xact_id()
          WHERE ${isOld} AND ended_by IS NULL;
        IF NOT FOUND THEN RAISE 'history of ${name} lacks %', old; END IF;
      END IF;
      IF TG_OP <> 'DELETE' THEN
        INSERT INTO history.${name} (${quoteList(columns)})
          VALUES (${columns.map((column) => `new.${column.name}`).join(', ')});
      END IF;
      RETURN NULL;
    END $$;`;
};

/** SQL that ends rows of a table, or begins those that `from` has, without the table's triggers. */
export const liveSql = {
  end: ({ name }, condition) => `UPDATE history.${name} SET ended_by = pg_current_xact_id()
    WHERE ended_by IS NULL AND ${condition};`,
  begin: ({ name, columns }, from) => `INSERT INTO history.${name} (${quoteList(columns)})
    SELECT ${quoteList(columns)} FROM ${from};`,
};

/** What a TRUNCATE ends: the rows that the truncated table has. */
const functionsSql = (table) => {
  const key = table.key.join(', ');
  return `${changedSql(table)}
  CREATE FUNCTION history.${table.name}_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      EXECUTE format('${liveSql.end(table, `(${key}) IN (SELECT ${key} FROM %s)`)}',
        tg_relid::regclass);
      RETURN NULL;
    END $$;`;
};

/** Triggers on the table `on`, whose rows are those of `table`. */
export const triggersSql = ({ name }, on = name) => `
  CREATE TRIGGER history AFTER INSERT OR UPDATE OR DELETE ON ${on}
    FOR EACH ROW EXECUTE FUNCTION history.${name}_changed();
  CREATE TRIGGER history_truncate BEFORE TRUNCATE ON ${on}
    FOR EACH STATEMENT EXECUTE FUNCTION history.${name}_truncated();`;

const stamp = ({ name }) => `
      UPDATE history.${name} SET started = current_version
        WHERE started_by = pg_current_xact_id() AND started IS NULL;
      UPDATE history.${name} SET ended = current_version
        WHERE ended_by = pg_current_xact_id() AND ended IS NULL;`;

const commit = (tables) => `
  CREATE FUNCTION history.commit() RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE current_version bigint;
    BEGIN
      UPDATE oracle_clock SET version = version + 1 RETURNING version INTO current_version;
      ${tables.map(stamp).join('')}
      RETURN current_version;
    END $$;`;

/** All that have a history: tables are {name, key: [column], columns: [{name, type}]}. */
const tracked = ({ tables, notes }) => [...tables, notes];

/** SQL that adds the history to a new world's tables, which must be empty. */
export const historySql = (world) => [clock, ...tracked(world).map(trackedTable),
  ...tracked(world).map(functionsSql), ...world.tables.map((table) => triggersSql(table)),
  commit(tracked(world))].join('\n');

/** SQL that forgets what no client shows any more: rows that ended at `version` or before. */
export const forgetSql = (world, version) =>
  tracked(world).map(({ name }) =>
    `DELETE FROM history.${name} WHERE ended <= ${version};`).join('\n');

/** SQL that follows a change of a table's columns from those of `before`, in the same transaction.
 * The rows that live now are made as the table has them. Columns are dropped and added, since a
 * table that ALTER TABLE writes anew looks empty to snapshots taken before. */
export const alteredSql = (table, before) => {
  const { name, key, columns } = table;
  const isIn = (list, one) => list.some((other) => other.name === one.name &&
    other.type === one.type);
  const changes = [
    ...before.columns.filter((one) => !isIn(columns, one)).map((one) => `DROP ${one.name}`),
    ...columns.filter((one) => !isIn(before.columns, one)).map((one) =>
      `ADD ${one.name} ${one.type}`)];
  const isSame = key.map((column) => `t.${column} = h.${column}`).join(' AND ');
  const values = columns.filter((one) => !key.includes(one.name)).map((one) =>
    `${one.name} = t.${one.name}`);
  return `DROP VIEW as_of.${name};
    ALTER TABLE history.${name} ${changes.join(', ')};
    UPDATE history.${name} h SET ${values.join(', ')} FROM ${name} t
      WHERE ${isSame} AND h.ended_by IS NULL;
    ${viewSql(table)}
    ${changedSql(table)}`;
};
