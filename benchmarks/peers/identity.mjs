// The identity peer: npm oidc-provider on Redis (or Valkey), with the adapter its documentation asks for.
// It takes the same requests as the city; `/prepare` makes codes beforehand, outside of what is measured.
import { createHash, randomBytes } from "node:crypto";
import Provider from "oidc-provider";
import { createClient } from "redis";

const { PORT, STORE, ISSUER, CLIENT_KEY, SECRET, SIGNING_KEY, CHALLENGE, REDIRECT } = process.env;
const redis = createClient({ url: STORE });
await redis.connect();

// What is single-use is a hash with its payload, so that `consume` is one write; all else is one JSON text.
const CONSUMABLE = new Set(["AuthorizationCode", "RefreshToken", "DeviceCode", "BackchannelAuthenticationRequest", "PushedAuthorizationRequest"]);
const GRANTABLE = new Set([...CONSUMABLE, "AccessToken"]);

class Adapter {
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload, expiresIn) {
    const key = this.key(id);
    const multi = redis.multi();
    const text = JSON.stringify(payload);
    if (CONSUMABLE.has(this.name)) multi.hSet(key, { payload: text });
    else multi.set(key, text);
    if (expiresIn) multi.expire(key, expiresIn);
    if (GRANTABLE.has(this.name) && payload.grantId) {
      multi.rPush(`grant:${payload.grantId}`, key);
      if (expiresIn) multi.expire(`grant:${payload.grantId}`, Math.max(expiresIn, 86400));
    }
    if (payload.userCode) multi.set(`userCode:${payload.userCode}`, id, { EX: expiresIn });
    if (payload.uid) multi.set(`uid:${payload.uid}`, id, expiresIn ? { EX: expiresIn } : {});
    await multi.exec();
  }
  async find(id) {
    if (!CONSUMABLE.has(this.name)) {
      const text = await redis.get(this.key(id));
      return text ? JSON.parse(text) : undefined;
    }
    const { payload, consumed } = await redis.hGetAll(this.key(id));
    if (!payload) return undefined;
    return { ...JSON.parse(payload), ...(consumed ? { consumed: Number(consumed) } : {}) };
  }
  async findByUid(uid) { const id = await redis.get(`uid:${uid}`); return id ? this.find(id) : undefined; }
  async findByUserCode(code) { const id = await redis.get(`userCode:${code}`); return id ? this.find(id) : undefined; }
  async consume(id) { await redis.hSet(this.key(id), "consumed", Math.floor(Date.now() / 1000)); }
  async destroy(id) { await redis.del(this.key(id)); }
  async revokeByGrantId(grantId) {
    const keys = await redis.lRange(`grant:${grantId}`, 0, -1);
    await redis.del([...keys, `grant:${grantId}`]);
  }
}

const redirects = { redirect_uris: [REDIRECT], response_types: ["code"], id_token_signed_response_alg: "ES256" };
const provider = new Provider(ISSUER, {
  adapter: Adapter,
  jwks: { keys: [JSON.parse(SIGNING_KEY)] },
  clients: [
    {
      client_id: "bench-fapi", token_endpoint_auth_method: "private_key_jwt", token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [JSON.parse(CLIENT_KEY)] }, grant_types: ["authorization_code", "refresh_token"],
      dpop_bound_access_tokens: true, ...redirects,
    },
    {
      client_id: "bench-plain", token_endpoint_auth_method: "client_secret_basic", client_secret: SECRET,
      grant_types: ["authorization_code", "refresh_token", "client_credentials"], ...redirects,
    },
  ],
  cookies: { keys: ["benchmark"] },
  claims: { openid: ["sub"], profile: ["name", "phone_number_tail"] },
  scopes: ["openid", "profile", "offline_access", "bench:read"],
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, name: "陈**", phone_number_tail: "1234" }) }),
  issueRefreshToken: () => true,
  rotateRefreshToken: (ctx) => ctx.oidc.client.clientId === "bench-plain",
  ttl: { AccessToken: 300, AuthorizationCode: 600, ClientCredentials: 300, IdToken: 300, RefreshToken: 86400, Grant: 86400 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    dPoP: { enabled: true, nonceSecret: createHash("sha256").update("bench").digest(), requireNonce: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx) => (ctx.oidc?.body?.grant_type === "client_credentials" ? ISSUER : undefined),
      useGrantedResource: () => false,
      getResourceServerInfo: () => ({ scope: "bench:read", audience: ISSUER, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } }),
    },
  },
});

async function code(client, number) {
  const grant = new provider.Grant({ clientId: client.clientId, accountId: `person_${number % 1000}` });
  grant.addOIDCScope("openid profile offline_access");
  const made = new provider.AuthorizationCode({
    client, accountId: grant.accountId, grantId: await grant.save(), scope: "openid profile offline_access", redirectUri: REDIRECT,
    codeChallenge: CHALLENGE, codeChallengeMethod: "S256", nonce: "n-1", authTime: Math.floor(Date.now() / 1000),
    sessionUid: randomBytes(8).toString("hex"), expiresWithSession: false,
  });
  return made.save();
}

provider.use(async (ctx, next) => {
  if (ctx.path !== "/prepare") return next();
  const client = await provider.Client.find(ctx.query.client);
  const made = [];
  for (let number = 0; number < Number(ctx.query.codes); number += 1) made.push(await code(client, number));
  ctx.body = made;
});
provider.listen(Number(PORT), "127.0.0.1");
