// openid-client: everything a client of the city does, with whatever the client's registration says.
import * as client from "openid-client";
import { done, given, privateKey, refusal, type, untilRefused, visit } from "./driver.mjs";

const { issuer, client: me, scope, want } = given;
// A person may consent to several resources at once (RFC 8707, 2.1); a token is for one of them.
const resources = [given.resource].flat();
const resource = resources[0];
const LOCAL = { execute: [client.allowInsecureRequests] };
const METADATA = me.id_token_signed_response_alg ? { id_token_signed_response_alg: me.id_token_signed_response_alg } : undefined;

async function authentication() {
  if (me.token_endpoint_auth_method === "private_key_jwt")
    return client.PrivateKeyJwt({ key: await privateKey(me.private_jwk), kid: me.private_jwk.kid });
  if (me.token_endpoint_auth_method === "client_secret_basic") return client.ClientSecretBasic(me.client_secret);
  return client.None();
}

const config = await client.discovery(new URL(issuer), me.client_id, METADATA, await authentication(), LOCAL);
const DPoP = want.dpop ? client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256")) : undefined;
const bound = DPoP ? { DPoP } : undefined;
const found = {};

async function logIn() {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const asked = new URLSearchParams({
    redirect_uri: me.redirect_uris[0], scope, state: expectedState, nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: "S256",
  });
  for (const each of resources) asked.append("resource", each);
  const address = want.par
    ? await client.buildAuthorizationUrlWithPAR(config, asked, bound)
    : client.buildAuthorizationUrl(config, asked);
  const callback = await visit(address.href);
  const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
  const redeem = () => client.authorizationCodeGrant(config, callback, checks, { resource }, bound);
  const tokens = await redeem();
  if (want.replay) {
    found.replay = await refusal(redeem);
    found.afterReplay = await untilRefused(() => userinfo(tokens, tokens.claims().sub));
  }
  return tokens;
}

const userinfo = (tokens, subject) => client.fetchUserInfo(config, tokens.access_token, subject, bound);

async function start() {
  if (want.grant === "client_credentials") return client.clientCredentialsGrant(config, { scope, resource }, bound);
  if (want.grant === "device_code") {
    const begun = await client.initiateDeviceAuthorization(config, { scope, resource });
    found.device = begun;
    await type(begun.verification_uri_complete ?? begun.verification_uri, "user_code", begun.user_code);
    return client.pollDeviceAuthorizationGrant(config, begun, { resource }, bound);
  }
  if (want.grant === "ciba") {
    const known = await logIn();
    const begun = await client.initiateBackchannelAuthentication(config, {
      scope, id_token_hint: known.id_token, binding_message: "Pay 731",
    });
    await visit(`${issuer}/approvals`);
    return client.pollBackchannelAuthenticationGrant(config, begun, { resource }, bound);
  }
  return logIn();
}

let tokens = await start();
found.first = tokens;
found.claims = tokens.claims?.();
if (want.userinfo) found.userinfo = await userinfo(tokens, found.claims.sub);
if (want.introspect) found.introspected = await client.tokenIntrospection(config, tokens.access_token);
if (want.refresh) {
  const earlier = tokens;
  tokens = await client.refreshTokenGrant(config, tokens.refresh_token, { resource }, bound);
  found.refreshed = tokens;
  found.rotated = Boolean(tokens.refresh_token) && tokens.refresh_token !== earlier.refresh_token;
  if (want.userinfo) found.userinfoAfter = await userinfo(tokens, found.claims.sub);
}
if (want.exchange) {
  const { by, from, to, scope: wished } = want.exchange;
  const key = client.PrivateKeyJwt({ key: await privateKey(by.private_jwk), kid: by.private_jwk.kid });
  const plugin = await client.discovery(new URL(issuer), by.client_id, undefined, key, LOCAL);
  const sent = await client.refreshTokenGrant(config, tokens.refresh_token, { resource: from }, bound);
  tokens = sent;
  found.exchanged = await client.genericGrantRequest(plugin, "urn:ietf:params:oauth:grant-type:token-exchange", {
    subject_token: sent.access_token, subject_token_type: "urn:ietf:params:oauth:token-type:access_token", resource: to, scope: wished,
  });
}
if (want.revoke) {
  await client.tokenRevocation(config, tokens[want.revoke]);
  found.afterRevocation = await untilRefused(() =>
    want.revoke === "refresh_token"
      ? client.refreshTokenGrant(config, tokens.refresh_token, { resource }, bound)
      : userinfo(tokens, found.claims.sub));
}
if (want.logout) {
  const left = client.buildEndSessionUrl(config, {
    id_token_hint: (found.refreshed?.id_token ?? found.first.id_token), post_logout_redirect_uri: me.post_logout_redirect_uris[0], state: "left",
  });
  found.loggedOut = (await visit(left.href)).href;
}
done(found);
