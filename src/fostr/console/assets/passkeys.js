// Passkeys: the browser asks the device, the server's operations do the rest.

const API = "/api/v1/auth";

const known = "PublicKeyCredential" in window && "parseRequestOptionsFromJSON" in PublicKeyCredential;

class Refused extends Error {}

async function call(path, body) {
  const answer = await fetch(API + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Refused(typeof said.detail === "string" ? said.detail : "This did not work.");
  return said;
}

async function sign() {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await call("/passkeys/begin"));
  return (await navigator.credentials.get({ publicKey })).toJSON();
}

const deeds = {
  "sign-in": async () => call("/passkeys/sign-in", { credential: await sign() }),
  confirm: async () => call("/confirm", { credential: await sign() }),
  register: async (form) => {
    const options = await call("/me/factors/passkeys/begin");
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    const made = await navigator.credentials.create({ publicKey });
    return call("/me/factors/passkeys", { name: form.elements.name.value, credential: made.toJSON() });
  },
};

function explain(error) {
  if (error instanceof Refused) return error.message;
  if (error instanceof DOMException && error.name === "InvalidStateError") return "This device has a passkey of yours already.";
  if (error instanceof DOMException && error.name === "SecurityError") return "Passkeys take the server's own name: open it by that.";
  if (error instanceof DOMException) return "The device did not answer, or was not allowed to. Try again.";
  return "The server does not answer. Try again.";
}

for (const place of known ? document.querySelectorAll("[data-passkey]") : []) {
  const button = place.querySelector("button");
  const fault = place.querySelector(".fault");
  const event = place instanceof HTMLFormElement ? "submit" : "click";
  place.hidden = false;
  (event === "submit" ? place : button).addEventListener(event, async (happened) => {
    happened.preventDefault();
    fault.textContent = "";
    button.disabled = true;
    try {
      await deeds[place.dataset.passkey](place);
      location.assign(place.dataset.next);
    } catch (error) {
      fault.textContent = explain(error);
    } finally {
      button.disabled = false;
    }
  });
}

if (known) for (const text of document.querySelectorAll("[data-without-passkeys]")) text.hidden = true;
