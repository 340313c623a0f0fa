// A client's own writes: uploaded by the SDK's queue, and read back after their write checkpoint.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Todo } from './lib/todo.js';

const groceries = '11111111-0000-4000-8000-000000000001';

for (const checkpointMode of ['legacy', 'requests']) {
  describe(`checkpoint mode ${checkpointMode}`, () => {
    let todo;
    let anna;

    before(async () => {
      todo = await Todo.start();
      anna = await todo.open('anna', { connect: { checkpointMode } });
      await todo.inSync(anna);
    });
    after(() => todo?.stop());

    const insert = async (description) => {
      const { id } = await anna.db.writeLock((connection) => connection.get(
        `INSERT INTO todos (id, list_id, description, completed) VALUES (uuid(), ?, ?, 0)
         RETURNING id`, [groceries, description]));
      return id;
    };
    const value = async (table, column, id) =>
      (await anna.db.get(`SELECT ${column} AS value FROM ${table} WHERE id = ?`, [id])).value;

    test('an insert comes back with what the server added', async () => {
      const id = await insert('salt');
      await anna.until(() => value('todos', 'created_at', id));
      await todo.inSync(anna);
    });

    test('the server has the last word', async () => {
      await todo.server.query(`
        CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN new.name := upper(new.name); RETURN new; END $$;
        CREATE TRIGGER shout BEFORE UPDATE ON lists FOR EACH ROW EXECUTE FUNCTION shout()`);
      await anna.db.execute(`UPDATE lists SET name = 'market' WHERE id = ?`, [groceries]);
      await anna.until(async () => (await value('lists', 'name', groceries)) === 'MARKET');
    });

    test('a row the client wrote is never missing on its way', async () => {
      const counts = [];
      const stopWatching = anna.db.onChange({
        onChange: async () => {
          const { count } = await anna.db.get(
            `SELECT count(*) AS count FROM todos WHERE description LIKE 'mine %'`);
          counts.push(count);
        },
      }, { tables: ['todos'], throttleMs: 0 });
      for (let n = 1; n <= 20; n++) {
        await insert(`mine ${n}`);
        await todo.server.query(`UPDATE settings SET value = $1 WHERE id = 'theme'`, [`${n}`]);
      }
      await anna.uploaded();
      await todo.inSync(anna);
      stopWatching();
      assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
      assert.equal(counts.at(-1), 20);
    });

    test('a delete is deleted everywhere', async () => {
      const other = await todo.open('anna', { connect: { checkpointMode } });
      await todo.inSync(other);
      await anna.db.execute(`DELETE FROM todos WHERE description LIKE 'mine %'`);
      await anna.uploaded();
      await todo.inSync(anna);
      await todo.inSync(other);
    });
  });
}
