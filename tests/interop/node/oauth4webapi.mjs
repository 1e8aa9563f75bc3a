// oauth4webapi: the same, one layer lower; every answer is processed by the library's own checks.
import * as oauth from "oauth4webapi";
import { done, given, privateKey, untilRefused, visit } from "./driver.mjs";

const { issuer, client: registered, resource, scope, want } = given;
const LOCAL = { [oauth.allowInsecureRequests]: true };
const as = await oauth.processDiscoveryResponse(
  new URL(issuer), await oauth.discoveryRequest(new URL(issuer), { algorithm: want.discovery ?? "oidc", ...LOCAL }),
);
const me = { client_id: registered.client_id, id_token_signed_response_alg: registered.id_token_signed_response_alg ?? "ES256" };
const auth = {
  none: () => oauth.None(),
  client_secret_basic: () => oauth.ClientSecretBasic(registered.client_secret),
  private_key_jwt: async () => oauth.PrivateKeyJwt({ key: await privateKey(registered.private_jwk), kid: registered.private_jwk.kid }),
}[registered.token_endpoint_auth_method];
const who = await auth();
const DPoP = want.dpop ? oauth.DPoP(me, await oauth.generateKeyPair("ES256")) : undefined;
const options = { ...(DPoP ? { DPoP } : {}), ...LOCAL };
const found = { nonces: 0 };

// A server that wants a nonce says so once; the library keeps it and the request is made again (RFC 9449, 8).
async function again(request, process) {
  try {
    return await process(await request());
  } catch (error) {
    if (!DPoP || !oauth.isDPoPNonceError(error)) throw error;
    found.nonces += 1;
    return process(await request());
  }
}

async function logIn() {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const nonce = oauth.generateRandomNonce();
  let asked = new URLSearchParams({
    client_id: me.client_id, redirect_uri: registered.redirect_uris[0], response_type: "code", scope, resource, state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  if (want.par) {
    const pushed = await again(
      () => oauth.pushedAuthorizationRequest(as, me, who, asked, options),
      (answer) => oauth.processPushedAuthorizationResponse(as, me, answer),
    );
    asked = new URLSearchParams({ client_id: me.client_id, request_uri: pushed.request_uri });
  }
  const callback = await visit(`${as.authorization_endpoint}?${asked}`);
  const checked = oauth.validateAuthResponse(as, me, callback, state);
  const redeem = () =>
    again(
      () => oauth.authorizationCodeGrantRequest(as, me, who, checked, registered.redirect_uris[0], verifier, {
        additionalParameters: { resource }, ...options,
      }),
      (answer) => oauth.processAuthorizationCodeResponse(as, me, answer, { expectedNonce: nonce, requireIdToken: true }),
    );
  return redeem();
}

async function userinfo(token, subject) {
  return again(
    () => oauth.userInfoRequest(as, me, token, options),
    (answer) => oauth.processUserInfoResponse(as, me, subject, answer),
  );
}

async function credentials() {
  return again(
    () => oauth.clientCredentialsGrantRequest(as, me, who, { scope, resource }, options),
    (answer) => oauth.processClientCredentialsResponse(as, me, answer),
  );
}

let tokens = want.grant === "client_credentials" ? await credentials() : await logIn();
found.first = tokens;
if (want.grant !== "client_credentials") {
  found.claims = oauth.getValidatedIdTokenClaims(tokens);
  found.userinfo = await userinfo(tokens.access_token, found.claims.sub);
}
if (want.api) {
  // The library's resource server side: the access token as RFC 9068 has it, with its sender constraint.
  const headers = new Headers();
  const request = () => oauth.protectedResourceRequest(tokens.access_token, "GET", new URL(want.api), headers, null, options);
  found.api = await again(request, (answer) => answer.json());
}
if (want.resourceServer) {
  // A foreign resource server checks our access token (RFC 9068) and its proof (RFC 9449, 7.1) by itself.
  const headers = new Headers({ authorization: `DPoP ${tokens.access_token}` });
  const address = new URL("/somewhere", issuer);
  await DPoP.addProof(address, headers, "GET", tokens.access_token);
  found.resourceServer = await oauth.validateJwtAccessToken(as, new Request(address, { headers }), resource, LOCAL);
}
if (want.introspect) {
  found.introspected = await oauth.processIntrospectionResponse(
    as, me, await oauth.introspectionRequest(as, me, who, tokens.access_token, LOCAL),
  );
}
if (want.refresh) {
  const earlier = tokens.refresh_token;
  tokens = await again(
    () => oauth.refreshTokenGrantRequest(as, me, who, earlier, { additionalParameters: { resource }, ...options }),
    (answer) => oauth.processRefreshTokenResponse(as, me, answer),
  );
  found.refreshed = tokens;
  found.rotated = Boolean(tokens.refresh_token) && tokens.refresh_token !== earlier;
}
if (want.revoke) {
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, me, who, tokens[want.revoke], LOCAL),
  );
  found.afterRevocation = await untilRefused(() => userinfo(tokens.access_token, found.claims.sub));
}
done(found);
