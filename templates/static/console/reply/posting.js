// Posts to the console; what it refuses comes back in words for the person.

const WITHIN_MS = 15_000;

export class Refused extends Error {
  // `isUnknown`: nobody can tell whether it was done. `wasSent`: something else was, by that key.
  constructor(message, { isUnknown = false, wasSent = false, status = 0 } = {}) {
    super(message);
    this.isUnknown = isUnknown;
    this.wasSent = wasSent;
    this.status = status;
  }
}

export async function post(address, body) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(WITHIN_MS),
    });
  } catch {
    throw new Refused("The console does not answer.", { isUnknown: true });
  }
  const found = await answer.json().catch(() => null);
  if (answer.ok && found) return found;
  if (found?.error) throw new Refused(found.error, { status: answer.status, wasSent: found.was_sent === true });
  if (answer.status === 403) throw new Refused("This page is out of date: load it again. Your text is kept.", { status: 403 });
  throw new Refused("The console cannot answer now.", { isUnknown: true, status: answer.status });
}
