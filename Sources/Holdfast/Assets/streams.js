// The streams as the page knows them: what hurts, in which order, and which of them are asked for.

/** How much a stream hurts: 0 not at all, 1 has lost messages, 2 starting, 3 reconnecting, 4 down. */
export function trouble(stream) {
  switch (stream.state) {
    case "live": return stream.lost > 0 ? 1 : 0;
    case "idle": return 2;
    case "backing_off": return 3;
    case "exhausted": case "stopped": return 4;
    default: return stream.retryCount > 0 ? 3 : 2;
  }
}

/** Groups that the filter knows besides the states themselves. */
export const groups = {
  all: { title: "Any state", matches: () => true },
  trouble: { title: "In trouble", matches: (stream) => trouble(stream) > 0 },
  up: { title: "Live", matches: (stream) => stream.state === "live" },
  connecting: { title: "Connecting", matches: (stream) => [2, 3].includes(trouble(stream)) },
  down: { title: "Down", matches: (stream) => trouble(stream) === 4 },
  losing: { title: "With losses", matches: (stream) => stream.lost > 0 },
};

export const states = [
  "idle", "authenticating", "connecting", "subscribing", "live", "backing_off", "exhausted", "stopped",
];

/** Why a stream is not live, or why it last was not. */
export function cause(stream) {
  if (stream.state !== "live" && stream.lastFailure) return stream.lastFailure.reason;
  return stream.lastOutage?.cause ?? "";
}

const byText = new Intl.Collator("en", { numeric: true }).compare;
const byName = (left, right) => byText(left.stream, right.stream);
/** What is not known goes last, whatever the direction. */
const known = (value, missing) => (Number.isFinite(value) ? value : missing);
const outageTime = (stream) => (stream.lastOutage ? Date.parse(stream.lastOutage.beganAt) : NaN);

/** The orders; each puts first what people look for first. */
export const orders = {
  state: {
    title: "Worst first",
    compare: (left, right) => trouble(right) - trouble(left)
      || known(left.continuity, 1) - known(right.continuity, 1)
      || known(left.coverage, 1) - known(right.coverage, 1),
  },
  stream: { title: "Name", compare: byName },
  continuity: { title: "Continuity", value: (stream) => stream.continuity, direction: 1 },
  coverage: { title: "Coverage", value: (stream) => stream.coverage, direction: 1 },
  lost: {
    title: "Lost",
    value: (stream) => (stream.continuity === undefined ? NaN : stream.lost),
    direction: -1,
  },
  retries: { title: "Retries", value: (stream) => stream.retryCount * 1e9 + stream.retries, direction: -1 },
  outage: { title: "Last outage", value: outageTime, direction: -1 },
};

/** Sorts in place; `reversed` turns the order around, though what is not known stays last. */
export function sort(streams, key, reversed) {
  const order = orders[key] ?? orders.state;
  const sign = reversed ? -1 : 1;
  if (order.compare) return streams.sort((left, right) => sign * order.compare(left, right) || byName(left, right));
  const ranked = streams.map((stream) => ({ stream, value: order.value(stream) }));
  ranked.sort((left, right) => {
    const isLeft = Number.isFinite(left.value);
    const isRight = Number.isFinite(right.value);
    if (!isLeft || !isRight) return Number(isRight) - Number(isLeft) || byName(left.stream, right.stream);
    return sign * order.direction * (left.value - right.value) || byName(left.stream, right.stream);
  });
  return ranked.map(({ stream }) => stream);
}

/** The streams that match every word, the state or group, and the profile. */
export function filter(streams, { text, state, profile }) {
  const wanted = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const matches = groups[state]?.matches ?? ((stream) => stream.state === state);
  return streams.filter((stream) => matches(stream)
    && (profile === "" || stream.profile === profile)
    && (wanted.length === 0 || wanted.every((word) => haystack(stream).includes(word))));
}

const haystacks = new WeakMap();

function haystack(stream) {
  let text = haystacks.get(stream);
  if (text === undefined) {
    const labels = Object.entries(stream.labels ?? {}).map(([name, value]) => `${name}=${value}`);
    text = [stream.stream, stream.profile, stream.state, cause(stream), stream.lastOutage?.cause ?? "", ...labels]
      .join("\n").toLowerCase();
    haystacks.set(stream, text);
  }
  return text;
}

/** The figures of all streams together. */
export function totals(streams) {
  const sum = { streams: streams.length, live: 0, connecting: 0, down: 0, lost: 0, losing: 0 };
  let expected = 0;
  let observed = 0;
  let covered = 0;
  let isSequenced = false;
  for (const stream of streams) {
    const level = trouble(stream);
    if (level === 4) sum.down += 1;
    else if (level >= 2) sum.connecting += 1;
    else sum.live += 1;
    observed += stream.observedSeconds;
    covered += stream.coveredSeconds;
    if (stream.continuity === undefined) continue;
    isSequenced = true;
    expected += stream.expected;
    sum.lost += stream.lost;
    if (stream.lost > 0) sum.losing += 1;
  }
  sum.continuity = expected > 0 ? 1 - sum.lost / expected : isSequenced ? 1 : NaN;
  sum.coverage = observed > 0 ? covered / observed : NaN;
  return sum;
}
