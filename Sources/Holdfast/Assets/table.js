// The table. Only the rows in sight exist: five thousand streams cost no more than fifty.

import { element, setAttribute, setText } from "./dom.js";
import { age, duration, integer, percent, roughly, words } from "./format.js";
import { HourChart } from "./chart.js";
import { cause, trouble } from "./streams.js";

const columnCount = 8;
const overscan = 8;

class Row {
  #parts = {};
  #chart = new HourChart(120, 24);

  constructor(stream, open) {
    this.name = stream.stream;
    const part = (key, tag = "span") => (this.#parts[key] = element(tag));
    const cell = (key, ...children) => element("td", { class: key, role: "cell" }, ...children);
    const link = element("a", { href: `#stream=${encodeURIComponent(this.name)}`, tabindex: "-1" },
      element("bdi", {}, this.name));
    this.node = element(
      "tr", { role: "row", tabindex: "-1", click: (event) => { event.preventDefault(); open(this.name); } },
      element("th", { class: "stream", scope: "row", role: "rowheader" }, link, part("profile", "small")),
      cell("state", part("badge"), part("since", "small")),
      cell("continuity", part("continuity")),
      cell("coverage", part("coverage")),
      cell("lost", part("lost")),
      cell("retries", part("retryCount"), part("retries", "small")),
      cell("outage", part("outage"), part("cause", "small")),
      cell("hour", this.#chart.node),
    );
    link.title = this.name;
  }

  show(stream, now, index, isSelected) {
    const parts = this.#parts;
    const level = trouble(stream);
    setAttribute(this.node, "class", `trouble-${level}${isSelected ? " selected" : ""}`);
    setAttribute(this.node, "aria-rowindex", String(index + 2));
    setAttribute(this.node, "aria-selected", String(isSelected));
    setAttribute(this.node, "tabindex", isSelected ? "0" : "-1");
    setText(parts.profile, stream.profile);
    setText(parts.badge, words(stream.state));
    setAttribute(parts.badge, "class", `badge ${stream.state}`);
    setText(parts.since, sinceText(stream, now));
    setText(parts.continuity, percent(stream.continuity));
    setAttribute(parts.continuity, "class", stream.continuity < 1 ? "hurt" : "");
    setText(parts.coverage, percent(stream.coverage));
    setText(parts.lost, stream.continuity === undefined ? "–" : integer(stream.lost));
    setAttribute(parts.lost, "class", stream.lost > 0 ? "hurt" : "");
    setText(parts.retryCount, integer(stream.retryCount));
    setAttribute(parts.retryCount, "class", stream.retryCount > 0 ? "hurt" : "");
    setText(parts.retries, stream.retries > 0 ? ` of ${integer(stream.retries)}` : "");
    const [outage, why] = outageText(stream, now);
    setText(parts.outage, outage);
    setText(parts.cause, why);
    this.#chart.show(stream.lastHour ?? null);
  }
}

const seconds = (now, text) => (now - Date.parse(text)) / 1000;

function sinceText(stream, now) {
  if (stream.state === "backing_off" && stream.nextAttemptAt) {
    const left = -seconds(now, stream.nextAttemptAt);
    return left > 0 ? `next try in ${age(left + 0.999)}` : "next try now";
  }
  return `for ${age(seconds(now, stream.stateSince))}`;
}

/** When the last outage was, and why: two lines of a cell. */
export function outageText(stream, now) {
  const outage = stream.lastOutage;
  if (!outage) {
    if (stream.state === "live" || !stream.lastFailure) return ["–", ""];
    return ["never live", words(stream.lastFailure.reason)];
  }
  const isOver = outage.durationSeconds !== undefined;
  const text = isOver
    ? `${roughly(seconds(now, outage.beganAt))} ago, for ${duration(outage.durationSeconds)}`
    : `down for ${roughly(seconds(now, outage.beganAt))}`;
  const latest = isOver || !stream.lastFailure ? "" : cause(stream);
  const code = outage.closeCode ? ` ${outage.closeCode}` : "";
  const why = words(outage.cause) + code;
  return [text, latest && latest !== outage.cause ? `${why}, then ${words(latest)}` : why];
}

export class StreamTable {
  #table;
  #body;
  #rows = new Map();
  #streams = [];
  #indexes = new Map();
  #selected = null;
  #above = spacer();
  #below = spacer();
  #empty = element("tr", { class: "empty", role: "row" }, element("td", { colspan: columnCount, role: "cell" }));
  #open;
  #now;

  /** `open` is called with the name of a stream that is to be shown; `now` tells the exporter's time. */
  constructor(table, { open, now }) {
    this.#table = table;
    this.#body = table.tBodies[0];
    this.#open = open;
    this.#now = now;
    table.setAttribute("role", "table");
    this.#body.replaceChildren();
    let isPlanned = false;
    const plan = () => {
      if (isPlanned) return;
      isPlanned = true;
      requestAnimationFrame(() => { isPlanned = false; this.draw(); });
    };
    addEventListener("scroll", plan, { passive: true });
    addEventListener("resize", plan);
  }

  get selected() { return this.#selected; }

  show(streams, emptyText) {
    this.#streams = streams;
    this.#indexes = new Map(streams.map((stream, index) => [stream.stream, index]));
    this.#table.setAttribute("aria-rowcount", String(streams.length + 1));
    setText(this.#empty.firstElementChild, emptyText);
    this.draw();
  }

  draw() {
    const count = this.#streams.length;
    const height = parseFloat(getComputedStyle(this.#table).getPropertyValue("--row-height")) || 44;
    const offset = -this.#body.getBoundingClientRect().top;
    const room = Math.ceil(innerHeight / height);
    const first = Math.max(0, Math.min(Math.floor(offset / height) - overscan, count - room - 2 * overscan));
    const last = Math.min(count, first + room + 2 * overscan);
    const nodes = [this.#above];
    const rows = new Map();
    const now = this.#now();
    for (let index = first; index < last; index += 1) {
      const stream = this.#streams[index];
      const row = this.#rows.get(stream.stream) ?? new Row(stream, this.#open);
      row.show(stream, now, index, stream.stream === this.#selected);
      rows.set(stream.stream, row);
      nodes.push(row.node);
    }
    if (count === 0) nodes.push(this.#empty);
    nodes.push(this.#below);
    this.#rows = rows;
    setHeight(this.#above, first * height);
    setHeight(this.#below, (count - last) * height);
    this.#arrange(nodes);
  }

  /** Moves only what is out of place: a row that stays keeps its focus. */
  #arrange(nodes) {
    const wanted = new Set(nodes);
    for (const node of [...this.#body.children]) {
      if (!wanted.has(node)) node.remove();
    }
    nodes.forEach((node, index) => {
      const present = this.#body.children[index] ?? null;
      if (present !== node) this.#body.insertBefore(node, present);
    });
  }

  /** Selects the row that lies `delta` further; the first where none is selected. */
  move(delta) {
    if (this.#streams.length === 0) return;
    const index = this.#indexes.get(this.#selected) ?? -1;
    const next = Math.max(0, Math.min(this.#streams.length - 1, index + delta));
    this.select(this.#streams[next].stream, true);
  }

  /** Selects a stream's row; with `focus` it is also brought into sight. */
  select(name, focus) {
    this.#selected = name;
    const index = this.#indexes.get(name);
    if (focus && index !== undefined) this.#reveal(index);
    this.draw();
    if (focus) this.#rows.get(name)?.node.focus({ preventScroll: true });
  }

  #reveal(index) {
    const height = parseFloat(getComputedStyle(this.#table).getPropertyValue("--row-height")) || 44;
    const top = this.#body.getBoundingClientRect().top + index * height;
    const head = this.#table.tHead.getBoundingClientRect().height;
    if (top < head) scrollBy(0, top - head - height);
    else if (top + height > innerHeight) scrollBy(0, top + 2 * height - innerHeight);
  }
}

function spacer() {
  return element("tr", { class: "spacer", "aria-hidden": "true" }, element("td", { colspan: columnCount }));
}

function setHeight(node, height) {
  node.hidden = height <= 0;
  node.firstElementChild.style.height = `${Math.max(0, height)}px`;
}
