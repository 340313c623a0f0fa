import { createHmac } from 'node:crypto';

export const secret = Buffer.from('a secret of the tests, known to everyone');
export const audience = 'brigade-tests';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A JSON Web Token for `user`, as an app's own backend would sign it. */
export function signToken(user, { claims = {}, key = secret } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const header = encode({ alg: 'HS256', typ: 'JWT', kid: 'tests' });
  const payload = encode({ sub: user, aud: audience, iat: now, exp: now + 3600, ...claims });
  const signature = createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url');
  return `${header}.${payload}.${signature}`;
}
