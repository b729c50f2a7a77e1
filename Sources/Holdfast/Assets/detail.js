// One stream in full: its figures, its last hour, how the last connect went, and what happened.

import { fetchEvents } from "./api.js";
import { describe, HourChart } from "./chart.js";
import { element, setAttribute, setText } from "./dom.js";
import { EventList } from "./events.js";
import { age, duration, integer, moment, percent, words } from "./format.js";
import { outageText } from "./table.js";

const shownEvents = 100;
const phaseTitles = {
  token: "Token", prepare: "Prepare", dns: "DNS", tcp: "TCP", tls: "TLS", upgrade: "Upgrade", ack: "Acknowledgment",
};

/** Titles and texts, in groups; a text is null where there is nothing to say. */
function facts(stream, now) {
  const since = (text) => (text ? `${age((now - Date.parse(text)) / 1000)} ago` : null);
  const isSequenced = stream.continuity !== undefined;
  const numbered = (value) => (isSequenced ? integer(value) : null);
  const outage = stream.lastOutage;
  const failure = stream.lastFailure;
  return {
    reasons: [
      ["State since", moment(stream.stateSince)],
      ["Last outage", outage ? `${moment(outage.beganAt)}, ${outageText(stream, now)[0]}` : null],
      ["Cause", outage ? sentence(outage.cause, outage) : null],
      ["Last failure", failure ? `${sentence(failure.reason, failure)}, ${since(failure.at)}` : null],
    ],
    figures: [
      ["Continuity", percent(stream.continuity)],
      ["Coverage", percent(stream.coverage)],
      ["Received", integer(stream.received)],
      ["Lost", numbered(stream.lost)],
      ["Waited for", stream.pending > 0 ? integer(stream.pending) : null],
      ["Gaps", numbered(stream.gaps)],
      ["Late", numbered(stream.late)],
      ["Reordered", numbered(stream.reordered)],
      ["Duplicates", integer(stream.duplicate)],
      ["Resets", numbered(stream.resets)],
      ["Attempts", integer(stream.attempts)],
      ["Retries now", integer(stream.retryCount)],
      ["Retries", integer(stream.retries)],
      ["Reconnects", integer(stream.reconnects)],
      ["Reconnect", stream.reconnectLatencySeconds === undefined ? null : duration(stream.reconnectLatencySeconds)],
      ["Heartbeat", stream.heartbeatRttSeconds === undefined ? null : duration(stream.heartbeatRttSeconds)],
      ["Last sequence", stream.lastSequence === undefined ? null : String(stream.lastSequence)],
      ["Last message", since(stream.lastMessageAt)],
    ],
    names: [["Client", stream.clientId], ...Object.entries(stream.labels ?? {})],
  };
}

function sentence(cause, { closeCode, detail }) {
  return words(cause) + (closeCode ? ` ${closeCode}` : "") + (detail ? `: ${detail}` : "");
}

export class Detail {
  #node;
  #name = null;
  #now;
  #parts = {};
  #chart = new HourChart(360, 72);
  #events = new EventList(shownEvents, false);
  #phasesShown = null;

  /** `close` is called when the reader has seen enough. */
  constructor(node, { close, now }) {
    this.#node = node;
    this.#now = now;
    const part = (key, tag, attributes) => (this.#parts[key] = element(tag, attributes));
    node.replaceChildren(
      element("header", {},
        element("h2", { id: "detail-title", tabindex: "-1" }, part("title", "bdi")),
        element("button", { type: "button", class: "close", "aria-label": "Close the detail", click: close }, "✕")),
      element("p", { class: "detail-state" }, part("badge", "span"), part("profile", "small")),
      part("gone", "p", { class: "notice", hidden: true }),
      part("reasons", "dl", { class: "facts" }),
      element("h3", {}, "Last hour"),
      this.#chart.node, part("hour", "p", { class: "hint" }),
      element("h3", {}, "Last connect"), part("phases", "div", { class: "phases" }),
      element("h3", {}, "Figures"), part("figures", "dl", { class: "facts figures" }),
      part("names", "dl", { class: "facts" }),
      element("h3", {}, "Recent events"), part("failure", "p", { class: "notice", hidden: true }),
      this.#events.node,
    );
    setText(this.#parts.gone, "This stream is no longer configured.");
  }

  get name() { return this.#name; }

  async open(name) {
    this.#name = name;
    this.#node.hidden = false;
    this.#events.clear();
    this.#parts.failure.hidden = true;
    try {
      const events = await fetchEvents(name, shownEvents);
      if (this.#name !== name) return;
      this.#events.clear();
      this.#events.add(events);
    } catch (error) {
      setText(this.#parts.failure, `The events could not be read: ${error.message}`);
      this.#parts.failure.hidden = false;
    }
  }

  close() {
    this.#name = null;
    this.#node.hidden = true;
  }

  /** Events of all streams; those of this one are taken. */
  add(events) {
    if (this.#name !== null) this.#events.add(events.filter((event) => event.stream === this.#name));
  }

  /** The stream as it is now; undefined where it is not configured any more. */
  show(stream) {
    if (this.#name === null) return;
    const parts = this.#parts;
    setText(parts.title, this.#name);
    parts.gone.hidden = stream !== undefined;
    if (stream === undefined) return;
    setText(parts.badge, words(stream.state));
    setAttribute(parts.badge, "class", `badge ${stream.state}`);
    setText(parts.profile, stream.profile);
    this.#chart.show(stream.lastHour ?? null);
    setText(parts.hour, describe(stream.lastHour));
    for (const [key, list] of Object.entries(facts(stream, this.#now()))) {
      showFacts(parts[key], list.filter(([, text]) => text !== null && text !== undefined));
    }
    this.#showPhases(stream.phasesSeconds);
  }

  #showPhases(phases) {
    const key = JSON.stringify(phases ?? null);
    if (key === this.#phasesShown) return;
    this.#phasesShown = key;
    const measured = Object.keys(phaseTitles).filter((name) => Number.isFinite(phases?.[name]));
    if (measured.length === 0) {
      this.#parts.phases.replaceChildren(element("p", { class: "hint" }, "It has not been live yet."));
      return;
    }
    const most = Math.max(...measured.map((name) => phases[name]), 1e-9);
    const total = measured.reduce((sum, name) => sum + phases[name], 0);
    this.#parts.phases.replaceChildren(
      ...measured.map((name) => {
        const bar = element("span", { class: "phase-bar" });
        bar.style.width = `${Math.max(1, (phases[name] / most) * 100).toFixed(1)}%`;
        return element("div", { class: "phase" }, element("span", { class: "phase-name" }, phaseTitles[name]),
          element("span", { class: "phase-track" }, bar),
          element("span", { class: "phase-time" }, duration(phases[name])));
      }),
      element("p", { class: "hint" }, `${duration(total)} in all`),
    );
  }
}

function showFacts(node, list) {
  while (node.children.length > list.length) node.lastElementChild.remove();
  list.forEach(([title, text], index) => {
    const item = node.children[index]
      ?? node.appendChild(element("div", {}, element("dt"), element("dd", {}, element("bdi"))));
    setText(item.firstElementChild, title);
    setText(item.lastElementChild.firstElementChild, text);
  });
}
