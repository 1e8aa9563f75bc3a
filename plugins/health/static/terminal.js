// The sale, step by step: key, person, basket, confirmation, receipt.
import { Problem, call, forgetTokens } from "./api.js";
import * as camera from "./camera.js";
import { base64, forget, held, keep, sha256, signed } from "./keys.js";

const STEPS = ["key", "person", "basket", "confirm", "receipt"];
const PURPOSE = "health:purchase";
const $ = (id) => document.getElementById(id);
const word = (name) => document.querySelector(`[data-word="${name}"]`)?.textContent ?? name;
const yuan = (fen) => `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, "0")}`;

let terminal = null;
let sale = fresh();
let working = false;

function fresh() {
  return { proof: null, lines: new Map(), quote: null, key: null, confirmed: false };
}

function show(step) {
  for (const each of STEPS) {
    $(`stage-${each}`).hidden = each !== step;
    const item = document.querySelector(`[data-step="${each}"]`);
    item.classList.toggle("done", STEPS.indexOf(each) < STEPS.indexOf(step));
    if (each === step) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  $("again").hidden = ["key", "person", "receipt"].includes(step);
  $("forget").hidden = step !== "person";
  if (step === "person") void openCamera();
  else camera.stop($("preview"));
}

async function openCamera() {
  const works = await camera.start($("preview"));
  $("no-camera").hidden = works;
  $("preview").hidden = !works;
  $("pictures-field").hidden = works;
  $("tail").focus();
}

function clearProblem() {
  $("problem").hidden = true;
}

function tell(title, next, { alternatives = [], id = "" } = {}) {
  $("problem-title").textContent = title;
  $("problem-next").textContent = next;
  $("problem-alternatives").hidden = alternatives.length === 0;
  $("problem-alternatives").textContent = word("other") + alternatives.map(word).join(" · ");
  $("problem-id").textContent = id;
  $("problem").hidden = false;
  $("problem").focus();
}

function report(error) {
  if (error instanceof Problem) {
    const { title, error_description: detail, next_step: next, alternatives, request_id: id } = error.body;
    tell(title ?? word("unknown"), next ?? detail ?? "", { alternatives, id: id ?? "" });
  } else if (error instanceof TypeError) tell(word("offline"), word("offline_next"));
  else tell(word("unknown"), String(error.message ?? error));
}

// One act at a time: a second tap while the first is under way does nothing.
async function during(name, act) {
  if (working) return;
  working = true;
  clearProblem();
  $("busy").textContent = word(name);
  try {
    await act();
  } catch (error) {
    report(error);
  } finally {
    working = false;
    $("busy").textContent = "";
  }
}

function on(id, event, name, act) {
  $(id).addEventListener(event, (happened) => {
    happened.preventDefault();
    void during(name, act);
  });
}

// --- key
let offered = [];

async function readKeys() {
  const file = $("key-file").files[0];
  if (!file) return;
  try {
    const said = JSON.parse(await file.text());
    offered = (said.terminals ?? [said]).filter((each) => each.private_jwk && each.client_id).map((each) => ({ issuer: said.issuer ?? location.origin, ...each }));
  } catch {
    offered = [];
  }
  $("terminal-choice").replaceChildren(...offered.map((each, at) => new Option([each.name, each.label].filter(Boolean).join(" · "), String(at))));
  $("choose-terminal").hidden = offered.length < 2;
}

async function loadKey() {
  await readKeysIfNeeded();
  const chosen = offered[Number($("terminal-choice").value || 0)];
  if (!chosen) return tell(word("bad_key"), word("bad_key_next"));
  terminal = await keep({ ...chosen, label: [chosen.name, chosen.label].filter(Boolean).join(" · ") }, chosen.issuer);
  $("key-form").reset();
  welcome();
}

async function readKeysIfNeeded() {
  if (offered.length === 0) await readKeys();
}

function welcome() {
  $("who").textContent = terminal.label || terminal.id;
  sale = fresh();
  show("person");
}

async function dropKey() {
  await forget();
  forgetTokens();
  offered = [];
  terminal = null;
  location.reload();
}

// --- person
async function verifyFace() {
  $("busy").textContent = word("capture");
  const frames = await camera.pictures($("preview"), $("pictures").files);
  if (frames.length === 0) return tell(word("no_picture"), word("no_picture_next"), { alternatives: ["code", "card", "staff"] });
  const opened = await call(terminal, "POST", "/api/presence/sessions", { purpose: PURPOSE });
  const liveness = await signed(terminal.key, "suxin-liveness+jwt", {
    session: opened.id, nonce: opened.nonce, purpose: opened.purpose, frames: await Promise.all(frames.map(sha256)),
    level: "simulated", camera: camera.label(), iat: Math.floor(Date.now() / 1000),
  });
  $("busy").textContent = word("judge");
  await judge(opened, { method: "face", claim: { phone_tail4: $("tail").value }, frames: frames.map(base64), liveness });
}

async function verifyCode() {
  const opened = await call(terminal, "POST", "/api/presence/sessions", { purpose: PURPOSE });
  await judge(opened, { method: "code", code: $("code").value });
}

async function judge(opened, evidence) {
  const decided = await call(terminal, "POST", `/api/presence/sessions/${opened.id}/evidence`, evidence);
  if (decided.decision !== "matched") return tell(decided.message, "", { alternatives: decided.alternatives });
  sale.proof = decided.proof.id;
  $("person-form").reset();
  $("code-form").reset();
  show("basket");
  drawBasket();
  await search();
}

// --- basket
function row(title, note, ...buttons) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  name.className = "name";
  name.textContent = title;
  const value = document.createElement("span");
  value.className = "value";
  value.textContent = note;
  item.append(name, value, ...buttons);
  return item;
}

function button(text, about, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button secondary pick";
  made.textContent = text;
  made.setAttribute("aria-label", `${text} ${about}`);
  made.addEventListener("click", act);
  return made;
}

async function search() {
  const query = $("q").value.trim();
  const found = await call(terminal, "GET", `/api/health/medicines?${new URLSearchParams({ limit: "20", ...(query && { q: query }) })}`);
  $("medicines").replaceChildren(...found.items.map(offer));
}

function offer(medicine) {
  const note = `${medicine.spec} ${yuan(medicine.price_limit_fen)}${medicine.prescription ? ` · ${word("rx")}` : ""}`;
  return row(medicine.name, note, button(word("add"), medicine.name, () => count(medicine, 1)));
}

function count(medicine, change) {
  const quantity = (sale.lines.get(medicine.code)?.quantity ?? 0) + change;
  if (quantity > 0) sale.lines.set(medicine.code, { medicine, quantity });
  else sale.lines.delete(medicine.code);
  drawBasket();
}

function drawBasket() {
  const lines = [...sale.lines.values()];
  $("basket").replaceChildren(...lines.map(({ medicine, quantity }) =>
    row(medicine.name, `× ${quantity}`, button(word("remove"), medicine.name, () => count(medicine, -1)))));
  $("basket-empty").hidden = lines.length > 0;
}

async function quote() {
  const lines = [...sale.lines.values()].map(({ medicine, quantity }) => ({ code: medicine.code, quantity, price_fen: medicine.price_limit_fen }));
  if (lines.length === 0) return tell(word("empty"), word("empty_next"));
  sale.quote = await call(terminal, "POST", "/api/health/quotes", { proof: sale.proof, lines });
  // One key per quote: a retry after a lost answer repeats the same intent and never charges twice.
  sale.key = crypto.randomUUID();
  sale.confirmed = false;
  $("cash").textContent = yuan(sale.quote.cash_fen);
  drawMoney("stage-confirm", sale.quote);
  $("quoted").replaceChildren(...sale.quote.lines.map(bought));
  show("confirm");
  $("confirm").focus();
}

const bought = (line) => row(line.name, `${line.quantity} × ${yuan(line.price_fen)} = ${yuan(line.amount_fen)}`);

function drawMoney(stage, amounts) {
  for (const each of $(stage).querySelectorAll("[data-money]")) each.textContent = yuan(amounts[each.dataset.money]);
}

// --- confirmation and receipt
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const OPEN = new Set(["submitted", "unknown", "reversing", "undoing"]);

async function settle() {
  if (!sale.confirmed) {
    await call(terminal, "POST", `/api/presence/proofs/${sale.proof}/confirmations`, { digest: sale.quote.digest, method: "tap" });
    sale.confirmed = true;
  }
  let settled = await call(terminal, "POST", "/api/health/settlements", { quote: sale.quote.id, proof: sale.proof }, { "Idempotency-Key": sale.key });
  for (let tries = 0; OPEN.has(settled.state) && tries < 20; tries += 1) {
    $("busy").textContent = word("pending");
    await pause(1000);
    settled = await call(terminal, "GET", `/api/health/settlements/${settled.id}`);
  }
  receipt(settled);
}

function receipt(settled) {
  const outcome = settled.state === "settled" ? "settled" : OPEN.has(settled.state) ? "open" : "refused";
  $("stage-receipt").dataset.outcome = outcome;
  $("receipt-title").textContent = word(outcome);
  $("paid").textContent = outcome === "settled" ? yuan(settled.cash_fen) : "—";
  $("sold").replaceChildren(...settled.lines.map(bought));
  drawMoney("stage-receipt", settled);
  $("number").textContent = settled.number ?? settled.id;
  show("receipt");
  $("next").focus();
}

on("key-form", "submit", "token", loadKey);
on("forget", "click", "token", dropKey);
on("person-form", "submit", "session", verifyFace);
on("code-form", "submit", "judge", verifyCode);
on("search-form", "submit", "token", search);
on("quote", "click", "quoting", quote);
on("confirm", "click", "settling", settle);
on("change", "click", "token", () => show("basket"));
on("again", "click", "token", welcome);
on("next", "click", "token", welcome);
$("print").addEventListener("click", () => window.print());
$("key-file").addEventListener("change", () => void readKeys());

if (!window.isSecureContext) tell(word("insecure"), word("insecure_next"));
else {
  terminal = (await held()) ?? null;
  if (terminal) welcome();
  else show("key");
}
document.body.dataset.ready = "true";
