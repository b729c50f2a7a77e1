// What the page reads. Relative addresses: the page may live below a path of a reverse proxy.

/** Every stream; with the last hour of each where asked for. */
export async function fetchStreams(withHistory) {
  const answer = await fetch(`api/v1/streams${withHistory ? "?history=true" : ""}`, {
    cache: "no-store",
    signal: AbortSignal.timeout(30000),
  });
  if (!answer.ok) throw new Error(`The exporter answered ${answer.status}.`);
  return await answer.json();
}

/** The newest events of a stream, the oldest first. */
export async function fetchEvents(stream, limit) {
  const answer = await fetch(`api/v1/audit?limit=${limit}&stream=${encodeURIComponent(stream)}`, {
    cache: "no-store",
    signal: AbortSignal.timeout(30000),
  });
  if (!answer.ok) throw new Error(`The exporter answered ${answer.status}.`);
  return (await answer.text()).split("\n").map(parsed).filter((event) => event !== null);
}

function parsed(line) {
  if (line === "") return null;
  try {
    const value = JSON.parse(line);
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

const longestLine = 1 << 20;

/**
 * Follows the audit trail for ever. `opened` is called whenever the tail begins anew, before the newest events come
 * again; `received` with each batch of events; `closed` when it ends.
 */
export async function followEvents(limit, { opened, received, closed }) {
  for (let failures = 0; ; failures += 1) {
    try {
      const answer = await fetch(`api/v1/audit?follow=true&limit=${limit}`, { cache: "no-store" });
      if (answer.ok && answer.body) {
        failures = 0;
        opened();
        await readLines(answer.body, received);
      } else {
        await answer.body?.cancel();
      }
    } catch {
      // The exporter has gone, or the network has: the refresh of the streams says so, the tail comes back.
    }
    closed();
    const delay = Math.min(30000, 1000 * 2 ** Math.min(failures, 5));
    await new Promise((resume) => setTimeout(resume, delay * (0.5 + Math.random() / 2)));
  }
}

async function readLines(body, received) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    if (rest.length > longestLine) rest = "";
    const events = lines.map(parsed).filter((event) => event !== null);
    if (events.length > 0) received(events);
  }
}
