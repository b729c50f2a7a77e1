// Events of the audit trail, in words.

import { element } from "./dom.js";
import { clock, duration, integer, moment, percent, words } from "./format.js";

const milliseconds = (value) => duration(value / 1000);
const code = (event) => (event.closeCode ?? event.httpStatus ? ` (${event.closeCode ?? event.httpStatus})` : "");
const range = (event) => (event.first === event.last ? `${event.first}` : `${event.first} to ${event.last}`);

/** What each event says, and whether it is good, bad, or neither. */
const sentences = {
  stream_started: () => ["started", ""],
  stream_live: (event) => (event.outageMs === undefined
    ? ["live", "good"] : [`live again after ${milliseconds(event.outageMs)}`, "good"]),
  connection_lost: (event) => [`connection lost: ${words(event.cause)}${code(event)}`, "bad"],
  backoff_scheduled: (event) => [`retry ${event.retry} in ${milliseconds(event.delayMs)}`, ""],
  websocket_reconnection: (event) => (event.status === "success"
    ? [`reconnected in ${milliseconds(event.latencyMs)}, attempt ${event.attempt}`, "good"]
    : [`attempt ${event.attempt} failed: ${words(event.cause ?? event.status)}${code(event)}`, "bad"]),
  connect_failed: (event) => [`first attempt failed: ${words(event.cause ?? event.status)}${code(event)}`, "bad"],
  reconnect_ack: (event) => [`resume acknowledged after ${milliseconds(event.latencyMs)}`, ""],
  resume_settled: (event) => [`resume: ${words(event.outcome)}`, event.outcome === "full" ? "good" : ""],
  subscriptions_rejected: (event) => [
    `rejected: ${event.subscriptions.join(", ")}`
      + (event.count > event.subscriptions.length ? ` and ${event.count - event.subscriptions.length} more` : ""), "bad"],
  buffer_flushed: (event) => [`${integer(event.count)} messages set aside before the acknowledgment`, ""],
  sequence_gap: (event) => [`gap: ${range(event)} (${integer(event.missing)} missing)`, "warn"],
  sequence_gap_closed: (event) => [`gap closed: ${range(event)}`, "good"],
  messages_lost: (event) => [
    `lost ${integer(event.count)}: ${range(event)}`
      + (Number.isFinite(event.continuityRate) ? `, continuity ${percent(event.continuityRate)}` : ""), "bad"],
  sequence_reset: (event) => [`numbering began anew at ${event.baseline}, was ${event.previousHighest}`, "warn"],
  heartbeat_timeout: (event) => [`heartbeat not answered for ${milliseconds(event.afterMs)}`, "bad"],
  silence_timeout: (event) => [`nothing received for ${milliseconds(event.afterMs)}`, "bad"],
  token_refreshed: (event) => [`new token for ${event.credential}`, ""],
  token_rejected: (event) => [`token of ${event.credential} rejected: ${words(event.cause)}${code(event)}`, "bad"],
  planned_handover: (event) => [`hand-over ${event.phase} (${words(event.cause)})`, ""],
  retries_exhausted: (event) => [`gave up after ${event.retries} retries: ${words(event.cause)}`, "bad"],
  stream_stopped: (event) => [`stopped: ${words(event.cause)}${code(event)}`, "warn"],
  config_reloaded: (event) => (event.success
    ? ["configuration reloaded", "good"] : ["configuration refused", "bad"]),
  audit_dropped: (event) => [`${integer(event.count)} audit lines dropped at ${event.sink}`, "bad"],
};

/** One event as an item of a list; `withStream` names the stream, as something to open. */
export function eventItem(event, withStream) {
  const [sentence, tone] = sentences[event.event]?.(event) ?? [words(event.event), ""];
  const name = withStream && event.stream
    ? element("a", { class: "event-stream", href: `#stream=${encodeURIComponent(event.stream)}` },
      element("bdi", {}, event.stream))
    : null;
  const detail = event.detail ? element("bdi", { class: "event-detail" }, event.detail) : null;
  return element(
    "li", { class: `event ${tone}` },
    element("time", { datetime: event.timestamp, title: moment(event.timestamp) }, clock(event.timestamp)),
    element("div", { class: "event-body" }, name, element("span", { class: "event-text" }, sentence), detail),
  );
}

/** The newest events, the newest first; at most `limit` of them. */
export class EventList {
  #limit;
  #withStream;
  #isNew = true;

  constructor(limit, withStream) {
    this.#limit = limit;
    this.#withStream = withStream;
    this.node = element("ol", { class: "events" });
    this.clear();
  }

  clear() {
    this.node.replaceChildren(element("li", { class: "event none" }, "No events yet."));
    this.#isNew = true;
  }

  /** Events in their order; only as many are drawn as are kept. */
  add(events) {
    if (events.length === 0) return;
    if (this.#isNew) this.node.replaceChildren();
    this.#isNew = false;
    const newest = events.slice(-this.#limit).reverse();
    this.node.prepend(...newest.map((event) => eventItem(event, this.#withStream)));
    while (this.node.childElementCount > this.#limit) this.node.lastElementChild.remove();
  }
}
