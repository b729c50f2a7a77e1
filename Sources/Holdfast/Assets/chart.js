// The last hour of a stream: how much came, when it was not covered, and when messages were lost.

import { svg } from "./dom.js";
import { percent, integer } from "./format.js";

const minutes = 60;

/** A picture `width` by `height`; the right edge is now. Draws again only when the hour has changed. */
export class HourChart {
  #hour = null;
  #area = svg("path", { class: "hour-area" });
  #uncovered = svg("path", { class: "hour-uncovered" });
  #lost = svg("path", { class: "hour-lost" });
  #width;
  #height;

  constructor(width, height) {
    this.#width = width;
    this.#height = height;
    this.node = svg(
      "svg",
      { class: "hour-chart", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" },
      svg("path", { class: "hour-base", d: `M0 ${height - 0.5}H${width}` }),
      this.#area, this.#uncovered, this.#lost,
    );
  }

  show(hour) {
    if (hour === this.#hour) return;
    this.#hour = hour;
    this.node.setAttribute("aria-label", describe(hour));
    this.#area.setAttribute("d", hour ? this.#received(hour.received) : "");
    this.#uncovered.setAttribute("d", hour ? this.#bars(hour.coverage, 3, 0.99) : "");
    this.#lost.setAttribute("d", hour ? this.#bars(hour.continuity, 5, 1) : "");
  }

  #x(index, count) {
    return (minutes - count + index) * (this.#width / minutes);
  }

  #received(values) {
    if (values.length === 0) return "";
    const most = Math.max(1, ...values);
    const room = this.#height - 3;
    const step = this.#width / minutes;
    const points = values.map((value, index) => {
      // The minute under way is not full yet: its height would read as a fall.
      const shown = index === values.length - 1 && values.length > 1 ? Math.max(value, values[index - 1]) : value;
      const y = (this.#height - (shown / most) * room).toFixed(1);
      const x = this.#x(index, values.length);
      return `L${x.toFixed(1)} ${y}H${(x + step).toFixed(1)}`;
    });
    const start = this.#x(0, values.length).toFixed(1);
    return `M${start} ${this.#height}${points.join("")}V${this.#height}Z`;
  }

  /** A bar for each minute that was not whole, as high as what was missing. Below `enough` it is never too small to
      be seen; above, as when a stream starts and takes a moment, it must not look like trouble. */
  #bars(shares, least, enough) {
    const step = this.#width / minutes;
    return shares.map((share, index) => {
      if (share === null || share >= 1) return "";
      const height = Math.max(share < enough ? least : 0, (1 - share) * this.#height);
      const x = this.#x(index, shares.length) + step * 0.1;
      return `M${x.toFixed(1)} ${this.#height}v-${height.toFixed(1)}h${(step * 0.8).toFixed(1)}V${this.#height}Z`;
    }).join("");
  }
}

/** The same in words. */
export function describe(hour) {
  if (!hour) return "No history yet";
  const received = hour.received.reduce((sum, value) => sum + value, 0);
  const uncovered = hour.coverage.filter((share) => share !== null && share < 1).length;
  const lossy = hour.continuity.filter((share) => share !== null && share < 1);
  const worst = lossy.length > 0 ? `, continuity down to ${percent(Math.min(...lossy))}` : "";
  return `Last ${hour.received.length} min: ${integer(received)} messages, `
    + `${uncovered} min not fully covered, ${lossy.length} min with losses${worst}`;
}
