const integers = new Intl.NumberFormat("en");

/** 12,345; a dash where there is none. */
export function integer(value) {
  return Number.isFinite(value) ? integers.format(value) : "–";
}

/** A share from 0 to 1, rounded down: what is not whole must never read as whole. A dash where there is none. */
export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const thousandths = Math.floor(Math.min(1, Math.max(0, share)) * 100000);
  return thousandths === 100000 ? "100 %" : `${(thousandths / 1000).toFixed(3)} %`;
}

/** Seconds in the two largest units. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const milliseconds = Math.max(0, Math.round(seconds * 1000));
  if (milliseconds < 1) return `${Math.max(0, seconds * 1e6).toFixed(0)} µs`;
  if (milliseconds < 1000) return `${milliseconds} ms`;
  if (milliseconds < 10000) return `${(Math.floor(milliseconds / 100) / 10).toFixed(1)} s`;
  const whole = Math.floor(milliseconds / 1000);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole / 3600) % 24} h`;
}

/** As `duration`, without fractions: for what counts up before people's eyes. */
export function age(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  return whole < 60 ? `${whole} s` : duration(whole);
}

/** Seconds in the largest unit: where the second one would only be noise. */
export function roughly(seconds) {
  return age(seconds).split(" ").slice(0, 2).join(" ");
}

/** `backing_off` in words. */
export function words(name) {
  return String(name).replaceAll("_", " ");
}

/** The time of day, in the reader's time zone. */
export function clock(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? "–" : time.toLocaleTimeString("en-GB");
}

/** Date and time, in the reader's time zone. */
export function moment(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? "–" : time.toLocaleString("en-GB");
}
