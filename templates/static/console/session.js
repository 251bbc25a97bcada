// Says that somebody is at this page, so that their session does not end while they watch.
const EVERY_MS = 60_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];
let said = Date.now(); // the page itself was a sign

function say() {
  if (Date.now() - said < EVERY_MS) return;
  said = Date.now();
  const form = document.querySelector(".account form");
  fetch(form.dataset.session, { method: "POST", body: new FormData(form) }).catch(() => {});
}

for (const sign of SIGNS) addEventListener(sign, say, { passive: true });
