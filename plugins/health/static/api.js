// The terminal as a client of the public API: tokens by private_key_jwt, problems as thrown errors.
import { signed } from "./keys.js";

const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const tokens = new Map();

export class Problem extends Error {
  constructor(body) {
    super(body.title ?? body.error ?? "problem");
    this.body = body;
  }
}

async function answerOf(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem({ status: response.status, ...body });
  return body;
}

const seconds = () => Math.floor(Date.now() / 1000);

async function token(terminal, audience) {
  const known = tokens.get(audience);
  if (known && known.until > seconds()) return known.value;
  const claims = { iss: terminal.id, sub: terminal.id, aud: terminal.issuer, jti: crypto.randomUUID(), iat: seconds(), exp: seconds() + 55 };
  const assertion = await signed(terminal.key, "client-authentication+jwt", claims);
  const resource = audience === "suxin" ? terminal.issuer : `${terminal.issuer}/api/${audience}`;
  const body = new URLSearchParams({
    grant_type: "client_credentials", client_id: terminal.id, client_assertion_type: ASSERTION, client_assertion: assertion, resource,
  });
  const given = await answerOf(await fetch("/oauth2/token", { method: "POST", body, credentials: "omit" }));
  tokens.set(audience, { value: given.access_token, until: seconds() + (given.expires_in ?? 60) - 20 });
  return given.access_token;
}

export const forgetTokens = () => tokens.clear();

export async function call(terminal, method, path, body, headers = {}) {
  const audience = path.startsWith("/api/health/") ? "health" : "suxin";
  const sent = { Authorization: `Bearer ${await token(terminal, audience)}`, "Accept-Language": document.documentElement.lang, ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers: sent, credentials: "omit", body: body === undefined ? undefined : JSON.stringify(body) });
  return answerOf(response);
}
