// Passkeys enhance: without this script, or without passkeys in the browser, the other ways stay as they are.
const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// Older webviews lack parseRequestOptionsFromJSON and toJSON, so both are spelled out.
function asked(options) {
  const found = { ...options, challenge: decode(options.challenge) };
  if (options.user) found.user = { ...options.user, id: decode(options.user.id) };
  if (options.excludeCredentials) {
    found.excludeCredentials = options.excludeCredentials.map((each) => ({ ...each, id: decode(each.id) }));
  }
  return found;
}

function answered(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  return JSON.stringify({
    id: credential.id, rawId: encode(credential.rawId), type: credential.type, response,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

function enhance(form, act) {
  if (!form || !window.PublicKeyCredential) return;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    const failed = document.getElementById("passkey-failed");
    failed.hidden = true;
    try {
      const credential = await act({ publicKey: asked(JSON.parse(form.dataset.options)) });
      form.elements.credential.value = answered(credential);
      form.submit();
    } catch {
      failed.hidden = false;
    }
  });
}

enhance(document.getElementById("passkey"), (options) => navigator.credentials.get(options));
enhance(document.getElementById("passkey-add"), (options) => navigator.credentials.create(options));
