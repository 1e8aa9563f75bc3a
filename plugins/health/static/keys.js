// The terminal's key: imported once as non-extractable, kept in IndexedDB, used to sign ES256.
const STORE = "terminal";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("suxin-terminal", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function inStore(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

export const held = () => inStore("readonly", (store) => store.get("key"));
export const forget = () => inStore("readwrite", (store) => store.delete("key"));

export async function keep(terminal, issuer) {
  const jwk = terminal.private_jwk ?? terminal.jwk ?? terminal.key;
  const { kty, crv, x, y, d } = jwk;
  const key = await crypto.subtle.importKey("jwk", { kty, crv, x, y, d }, ALGORITHM, false, ["sign"]);
  const kept = { id: terminal.client_id ?? terminal.id, label: terminal.label ?? "", place: terminal.place ?? "", issuer, key };
  await inStore("readwrite", (store) => store.put(kept, "key"));
  return kept;
}

export function base64url(bytes) {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
}

const encoded = (value) => base64url(new TextEncoder().encode(JSON.stringify(value)));

export async function signed(key, typ, claims) {
  const body = `${encoded({ alg: "ES256", typ })}.${encoded(claims)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, new TextEncoder().encode(body));
  return `${body}.${base64url(new Uint8Array(signature))}`;
}

export async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((each) => each.toString(16).padStart(2, "0")).join("");
}
