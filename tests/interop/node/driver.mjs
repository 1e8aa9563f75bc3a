// What a program is given, what it asks for, what it found: one JSON value a line.
import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

export const given = await next();

async function ask(what, ...values) {
  say({ ask: what, with: values });
  return next();
}

// A person opens an address in a browser; returns where the browser was sent in the end.
export const visit = async (address) => new URL((await ask("visit", String(address))).callback);
// A person types a value into a page's field and agrees to what follows.
export const type = (address, name, value) => ask("type", String(address), name, value);
export const done = (found) => {
  say({ done: found });
  setImmediate(() => process.exit(0));
};

export async function privateKey(jwk, alg = "ES256") {
  const params = { name: "ECDSA", namedCurve: "P-256" };
  return crypto.subtle.importKey("jwk", { ...jwk, key_ops: undefined, use: undefined, alg }, params, false, ["sign"]);
}

// What a failing call of a library looked like, for a test that wants it to fail.
export async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return error.error ?? error.cause?.error ?? error.code ?? String(error);
  }
  return null;
}

// Withdrawal reaches every web process within two seconds; five are promised. Returns the refusal, or null.
export async function untilRefused(call, seconds = 5) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await refusal(call);
    if (seen !== null || Date.now() > end) return seen;
    await new Promise((resume) => setTimeout(resume, 200));
  }
}
