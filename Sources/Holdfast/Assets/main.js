// Takes over the table that came with the page, and keeps it live: the audit trail tells that something has happened,
// and the list of streams what is so now.

import { fetchStreams, followEvents } from "./api.js";
import { Detail } from "./detail.js";
import { element, setAttribute, setText } from "./dom.js";
import { EventList } from "./events.js";
import { age, integer, words } from "./format.js";
import { keys, listen } from "./keyboard.js";
import { filter, groups, orders, sort, states, totals } from "./streams.js";
import { Summary } from "./summary.js";
import { StreamTable } from "./table.js";

const find = (id) => document.getElementById(id);

/** The list is asked for this often when nothing happens, and no sooner than this after the last time when it does. */
const refreshEvery = 5000;
const refreshSoonest = 1000;
const historyEvery = 60000;
const sideEvents = 200;

const view = { text: "", state: "all", profile: "", order: "state", reversed: false };
let streams = [];
let byName = new Map();
let hours = new Map();
let clockOffset = 0;
let lastRefresh = 0;
let lastHistory = -Infinity;
let lastCost = 0;
let failure = "";
let isTailing = false;
let timer = null;

const now = () => Date.now() + clockOffset;

// MARK: What is on the page

const table = new StreamTable(find("streams"), { open, now });
const detailNode = element("section", { id: "detail", class: "detail", "aria-labelledby": "detail-title", hidden: true });
const detail = new Detail(detailNode, { close: closeDetail, now });
const allEvents = new EventList(sideEvents, true);
const summary = new Summary(find("summary"), (group) => choose({ state: view.state === group ? "all" : group }));

const option = (value, title) => element("option", { value }, title);
const textField = element("input", {
  type: "search", id: "filter", placeholder: "Filter: name, label, cause", "aria-label": "Filter the streams",
  autocomplete: "off", spellcheck: "false", input: (event) => choose({ text: event.target.value }),
});
const stateField = element(
  "select", { "aria-label": "State", change: (event) => choose({ state: event.target.value }) },
  ...Object.entries(groups).map(([key, { title }]) => option(key, title)),
  element("optgroup", { label: "State" }, ...states.map((state) => option(state, words(state)))),
);
const profileField = element(
  "select", { "aria-label": "Profile", change: (event) => choose({ profile: event.target.value }) },
  option("", "Any profile"),
);
const orderField = element(
  "select",
  { "aria-label": "Order", class: "order", change: (event) => choose({ order: event.target.value, reversed: false }) },
  ...Object.entries(orders).map(([key, { title }]) => option(key, title)),
);
const shown = element("span", { class: "shown" });
const orderButtons = new Map();

function build() {
  find("pages")?.remove();
  find("events").querySelector("pre")?.replaceWith(allEvents.node);
  find("side").prepend(detailNode);
  find("filters").replaceChildren(textField, stateField, profileField, orderField, shown);
  for (const title of find("streams").tHead.rows[0].cells) {
    const key = title.className;
    if (!orders[key]) continue;
    const button = element("button", { type: "button", click: () => orderBy(key) }, title.textContent);
    title.replaceChildren(button);
    orderButtons.set(key, title);
  }
  find("tools").replaceChildren(themeButton());
  document.querySelector("footer").append(element(
    "span", { class: "keys" },
    ...keys.flatMap(([key, meaning]) => [element("kbd", {}, key), ` ${meaning} `]),
  ));
  listen({
    move: (delta) => table.move(delta),
    open: () => table.selected !== null && (open(table.selected), true),
    filter: () => textField.select(),
    escape,
  });
  addEventListener("hashchange", readAddress);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}

// MARK: What the reader does

function choose(change) {
  Object.assign(view, change);
  draw();
}

function orderBy(key) {
  choose(view.order === key ? { reversed: !view.reversed } : { order: key, reversed: false });
}

function open(name) {
  const address = `#stream=${encodeURIComponent(name)}`;
  if (location.hash === address) readAddress();
  else location.hash = address;
}

function closeDetail() {
  if (detail.name === null) return;
  const name = detail.name;
  history.pushState(null, "", location.pathname + location.search);
  readAddress();
  table.select(name, true);
}

function escape(field) {
  if (field === textField && view.text !== "") {
    textField.value = "";
    choose({ text: "" });
  } else if (detail.name !== null) {
    closeDetail();
  } else {
    field?.blur();
  }
}

/** The address says which stream is open, so that it can be passed on. */
function readAddress() {
  const match = /^#stream=(.*)$/.exec(location.hash);
  let name = null;
  try {
    if (match) name = decodeURIComponent(match[1]);
  } catch {
    name = null;
  }
  document.documentElement.classList.toggle("has-detail", name !== null);
  find("events").hidden = name !== null;
  if (name === null) {
    detail.close();
  } else {
    detail.open(name);
    table.select(name, false);
    find("detail-title").focus({ preventScroll: true });
  }
  draw();
}

function themeButton() {
  const root = document.documentElement;
  const next = { auto: "dark", dark: "light", light: "auto" };
  const button = element("button", { type: "button", click: () => change(next[current()]) });
  const current = () => root.dataset.theme ?? "auto";
  const label = () => setText(button, `Theme: ${current()}`);
  function change(theme) {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      if (theme === "auto") localStorage.removeItem("holdfast.theme");
      else localStorage.setItem("holdfast.theme", theme);
    } catch {
      // A browser that keeps nothing: the choice lasts as long as the page.
    }
    label();
  }
  label();
  return button;
}

// MARK: What the exporter says

async function refresh() {
  clearTimeout(timer);
  timer = null;
  const began = performance.now();
  const withHistory = began - lastHistory >= historyEvery;
  lastRefresh = began;
  try {
    const answer = await fetchStreams(withHistory);
    clockOffset = Date.parse(answer.time) - Date.now();
    take(answer.streams, withHistory);
    if (withHistory) lastHistory = began;
    failure = "";
  } catch (error) {
    failure = error.name === "TimeoutError" ? "The exporter does not answer." : "The exporter cannot be reached.";
  }
  lastCost = performance.now() - began;
  draw();
  plan(refreshEvery);
}

function take(list, withHistory) {
  if (withHistory) hours = new Map(list.map((stream) => [stream.stream, stream.lastHour]));
  for (const stream of list) stream.lastHour ??= hours.get(stream.stream);
  streams = list;
  byName = new Map(list.map((stream) => [stream.stream, stream]));
  const profiles = [...new Set(list.map((stream) => stream.profile))].sort();
  const present = [...profileField.options].slice(1).map((one) => one.value);
  if (profiles.join("\n") !== present.join("\n")) {
    profileField.replaceChildren(option("", "Any profile"), ...profiles.map((name) => option(name, name)));
    if (!profiles.includes(view.profile)) view.profile = "";
    profileField.value = view.profile;
  }
}

/** Asks anew in so many milliseconds, or sooner if that is planned already. A list that takes long is asked for less
    often: the page must not become the load that it shows. */
function plan(delay) {
  const soonest = Math.max(refreshSoonest, lastCost * 8) - (performance.now() - lastRefresh);
  const wait = Math.max(delay, soonest, 0);
  const due = performance.now() + wait;
  if (timer !== null && plan.due <= due) return;
  clearTimeout(timer);
  plan.due = due;
  timer = setTimeout(() => (document.hidden ? (timer = null) : refresh()), wait);
}

/** Events come in floods when a fleet falls; they are drawn once a frame. */
let waiting = [];
function receive(events) {
  if (waiting.length === 0) requestAnimationFrame(drawEvents);
  waiting.push(...events.slice(-sideEvents));
  if (waiting.length > 4 * sideEvents) waiting = waiting.slice(-sideEvents);
  plan(100);
}

function drawEvents() {
  const events = waiting;
  waiting = [];
  allEvents.add(events);
  detail.add(events);
}

// MARK: Drawing

function draw() {
  const sum = totals(streams);
  summary.show(sum, view.state);
  const chosen = sort(filter(streams, view), view.order, view.reversed);
  const nothing = streams.length === 0 ? "No streams are configured." : "No stream matches the filter.";
  table.show(chosen, lastHistory === -Infinity ? "Loading…" : nothing);
  setText(shown, chosen.length === streams.length
    ? `${integer(streams.length)} streams` : `${integer(chosen.length)} of ${integer(streams.length)} streams`);
  stateField.value = view.state;
  orderField.value = view.order;
  for (const [key, title] of orderButtons) {
    const isUp = view.reversed ? "descending" : "ascending";
    setAttribute(title, "aria-sort", key === view.order ? isUp : null);
  }
  drawDetail();
  const isBad = sum.connecting + sum.down > 0;
  setText(find("status"), failure || (isBad
    ? `${sum.live} of ${sum.streams} streams live, ${sum.connecting} connecting, ${sum.down} down`
    : `All ${sum.streams} streams live`));
  document.title = isBad ? `(${sum.connecting + sum.down}) Holdfast` : "Holdfast";
  drawFreshness();
}

function drawDetail() {
  if (detail.name !== null && lastHistory !== -Infinity) detail.show(byName.get(detail.name));
}

function drawFreshness() {
  const node = find("freshness");
  setAttribute(node, "class", failure ? "stale" : isTailing ? "fresh" : "");
  const since = age((performance.now() - lastRefresh) / 1000);
  setText(node, failure ? `${failure} Last tried ${since} ago.` : isTailing ? "Live" : `Read ${since} ago`);
}

build();
readAddress();
refresh();
followEvents(100, {
  opened: () => { isTailing = true; waiting = []; allEvents.clear(); drawFreshness(); plan(100); },
  received: receive,
  closed: () => { isTailing = false; drawFreshness(); },
});
setInterval(() => {
  if (document.hidden) return;
  table.draw();
  drawDetail();
  drawFreshness();
}, 1000);
