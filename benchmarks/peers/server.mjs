// The Node peer: Fastify + pg, the same ES256 tokens verified (fast-jwt, cached), the same rows by prepared statements.
// It checks no withdrawal of tokens and keeps no metrics and no log line.
import Fastify from "fastify";
import pg from "pg";
import { createDecipheriv } from "node:crypto";
import { createVerifier } from "fast-jwt";

const { PORT, PGSOCKET, PUBLIC_KEY, AUDIENCE } = process.env;
const dataKeys = new Map(Object.entries(JSON.parse(process.env.DATA_KEYS)).map(([id, hex]) => [id, Buffer.from(hex, "hex")]));
const parties = new Map(Object.entries(JSON.parse(process.env.PARTIES)));
const pool = new pg.Pool({ host: PGSOCKET, user: "suxin", database: "bench", max: 4 });
const verify = createVerifier({ key: PUBLIC_KEY, algorithms: ["ES256"], allowedAud: AUDIENCE, cache: 1000 });
const STATE = "select id, type, version, state, issued_at, expires_at, state_changed_at from app.certificate where id = $1";
const MATTER =
  "select code, category, title_zh, title_en, owner, area, statutory_days, promised_days, materials, channels, source, changed_at from app.matter where code = $1";
const ME = "select name_sealed, mobile_tail, area, proofing_level from identity.person where id = $1 and state = 'active'";
const app = Fastify();

function caller(request, reply, scope, kinds) {
  let claims;
  try {
    claims = verify((request.headers.authorization ?? "").slice(7));
  } catch {
    reply.code(401).send({ status: 401 });
    return null;
  }
  if (!claims.scope.split(" ").includes(scope) || !kinds.includes(claims.kind)) {
    reply.code(403).send({ status: 403 });
    return null;
  }
  return claims;
}

function opened(sealed, person) {
  const decipher = createDecipheriv("aes-256-gcm", dataKeys.get(sealed.readBigUInt64BE(1).toString()), sealed.subarray(9, 21));
  decipher.setAAD(Buffer.from(`person|person/${person}/name`));
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(21, -16)), decipher.final()]).toString();
}

app.get("/api/certificates/:id/state", async (request, reply) => {
  if (caller(request, reply, "certificates:verify", ["terminal", "official", "client"]) === null) return reply;
  const found = await pool.query({ name: "state", text: STATE, values: [request.params.id] });
  return found.rows.length ? found.rows[0] : reply.code(404).send({ status: 404 });
});
app.get("/api/matters/:code", async (request, reply) => {
  const found = await pool.query({ name: "matter", text: MATTER, values: [request.params.code] });
  return found.rows.length ? found.rows[0] : reply.code(404).send({ status: 404 });
});
app.get("/api/identity/me", async (request, reply) => {
  const claims = caller(request, reply, "profile", ["citizen"]);
  if (claims === null) return reply;
  const person = parties.get(claims.sub);
  const found = await pool.query({ name: "me", text: ME, values: [person] });
  if (!found.rows.length) return reply.code(404).send({ status: 404 });
  const { name_sealed, ...row } = found.rows[0];
  const name = [...opened(name_sealed, person)];
  return {
    id: claims.sub, name: name[0] + "*".repeat(Math.max(1, name.length - 1)), ...row,
    authentication_level: Number(claims.acr.split(".")[1].slice(3)),
  };
});
await app.listen({ port: Number(PORT), host: "127.0.0.1" });
