import pg from 'pg';

const quote = (name) => pg.escapeIdentifier(name);

function statement({ op, table, id, opData }) {
  const names = Object.keys(opData ?? {});
  const values = [id, ...Object.values(opData ?? {})];
  const assignments = names.map((name, i) => `${quote(name)} = $${i + 2}`).join(', ');
  switch (op) {
    case 'PUT':
      return [`INSERT INTO ${quote(table)} (${['id', ...names].map(quote).join(', ')})
               VALUES (${values.map((_, i) => `$${i + 1}`).join(', ')})
               ON CONFLICT (id) DO UPDATE SET ${assignments}`, values];
    case 'PATCH':
      return [`UPDATE ${quote(table)} SET ${assignments} WHERE id = $1`, values];
    case 'DELETE':
      return [`DELETE FROM ${quote(table)} WHERE id = $1`, [id]];
    default:
      throw new Error(`no such operation: ${op}`);
  }
}

/** Plays the app's own backend: applies what a client uploads, a transaction as a transaction. */
export async function applyUpload(pool, transaction) {
  const connection = await pool.connect();
  try {
    await connection.query('BEGIN');
    for (const entry of transaction.crud) await connection.query(...statement(entry));
    await connection.query('COMMIT');
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    connection.release();
  }
}
