// Why a statement failed.
const outages = ['57P01', '57P02', '57P03', '53100', '53300', '08006', '08001', 'ECONNREFUSED',
  'ECONNRESET', 'EPIPE', 'ENOENT'];

/** Whether a query failed because Postgres was away or the disk full, not because it was wrong. */
export const isOutage = ({ code, message }) =>
  outages.includes(code) || /^Connection terminated|not queryable/.test(message);

/** Whether a statement that was right may succeed another time: an outage or a deadlock. */
export const isUnlucky = (error) => isOutage(error) || error.code === '40P01';

/** What may go wrong with a random transaction: constraints, deadlocks, a missing savepoint after
 * an error, columns and tables that meanwhile are gone, or of another type. */
export const isRefused = ({ code }) =>
  /^(23|40|25P02|3B001|21000|42703|42804|42P01|22P02|22003)/.test(code ?? '');
