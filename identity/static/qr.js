// Goes on by itself once the phone has confirmed; without this script the button does it.
const form = document.getElementById("qr-continue");

async function look() {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.dataset.state, { method: "POST", body }).then((each) => each.json(), () => null);
  if (answer?.state === "waiting" || answer === null) setTimeout(look, 2000);
  else form.submit();
}

setTimeout(look, 2000);
