// Reads a page of the console again, as a document.

// The one place where text becomes markup: a page of ours, as the server escaped it. The
// Content-Security-Policy lets no other script make any (settings: trusted-types).
const asItIs = { createHTML: (page) => page };
const trusted = globalThis.trustedTypes?.createPolicy("parley-page", asItIs) ?? asItIs;

export class Refused extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

// `byItself`: nobody asked for it, so that it keeps no session. Null where the viewer has to log in
// first: the page goes there. Throws Refused.
export async function fetchPage(address, { byItself = false, ...options } = {}) {
  const headers = { Accept: "text/html", ...(byItself && { "X-Parley-By-Itself": "1" }) };
  const answer = await fetch(address, { ...options, headers });
  if (answer.redirected && new URL(answer.url).pathname.startsWith("/login/")) {
    location.assign(answer.url);
    return null;
  }
  if (!answer.ok) throw new Refused(answer.status);
  return new DOMParser().parseFromString(trusted.createHTML(await answer.text()), "text/html");
}
