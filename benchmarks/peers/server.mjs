// The Node peer: Fastify + pg, the same ES256 token verified (fast-jwt, cached), the same row by a prepared statement.
import Fastify from "fastify";
import pg from "pg";
import { createVerifier } from "fast-jwt";

const { PORT, PGSOCKET, PUBLIC_KEY, PARTY, AUDIENCE } = process.env;
const pool = new pg.Pool({ host: PGSOCKET, user: "suxin", database: "bench", max: 4 });
const verify = createVerifier({ key: PUBLIC_KEY, algorithms: ["ES256"], allowedAud: AUDIENCE, cache: 1000 });
const text =
  "select id, kind, title, issuer, state, revision, valid_from, valid_until from bench.certificate where id = $1 and party = $2";
const app = Fastify();
app.get("/api/certificates/:id/state", async (request, reply) => {
  let claims;
  try {
    claims = verify((request.headers.authorization ?? "").slice(7));
  } catch {
    return reply.code(401).send({ status: 401 });
  }
  if (!claims.scope.split(" ").includes("certificates:read")) return reply.code(403).send({ status: 403 });
  const found = await pool.query({ name: "state", text, values: [request.params.id, PARTY] });
  return found.rows.length ? found.rows[0] : reply.code(404).send({ status: 404 });
});
await app.listen({ port: Number(PORT), host: "127.0.0.1" });
