// The figures at the top; those that are counts of streams filter the table when pressed.

import { element, setAttribute, setText } from "./dom.js";
import { integer, percent } from "./format.js";

const tiles = [
  { title: "Streams", value: (sum) => integer(sum.streams), group: "all" },
  { title: "Live", value: (sum) => integer(sum.live), group: "up", tone: () => "good" },
  {
    title: "Connecting", value: (sum) => integer(sum.connecting), group: "connecting",
    tone: (sum) => (sum.connecting > 0 ? "warn" : ""),
  },
  { title: "Down", value: (sum) => integer(sum.down), group: "down", tone: (sum) => (sum.down > 0 ? "bad" : "") },
  {
    title: "With losses", value: (sum) => integer(sum.losing), group: "losing",
    tone: (sum) => (sum.losing > 0 ? "warn" : ""),
  },
  { title: "Continuity", value: (sum) => percent(sum.continuity) },
  { title: "Coverage", value: (sum) => percent(sum.coverage) },
  { title: "Messages lost", value: (sum) => integer(sum.lost), tone: (sum) => (sum.lost > 0 ? "warn" : "") },
];

export class Summary {
  #parts;

  /** `choose` is called with the group of streams to show. */
  constructor(node, choose) {
    this.#parts = tiles.map((tile) => {
      const value = tile.group
        ? element("button", { type: "button", click: () => choose(tile.group) }) : element("span");
      const label = `tile-${tile.title.toLowerCase().replaceAll(" ", "-")}`;
      if (tile.group) value.setAttribute("aria-labelledby", `${label} ${label}-value`);
      value.id = `${label}-value`;
      return { tile, value, node: element("div", {}, element("dt", { id: label }, tile.title),
        element("dd", {}, value)) };
    });
    node.replaceChildren(...this.#parts.map((part) => part.node));
  }

  show(sum, group) {
    for (const { tile, value, node } of this.#parts) {
      setText(value, tile.value(sum));
      setAttribute(node, "class", tile.tone?.(sum) ?? "");
      if (tile.group) setAttribute(value, "aria-pressed", String(tile.group === group));
    }
  }
}
