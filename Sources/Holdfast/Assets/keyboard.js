// Keys, for those who look at this all day.

export const keys = [
  ["j k", "next, previous stream"], ["Enter", "open it"], ["/", "filter"], ["Esc", "close, clear"],
  ["Home End", "first, last stream"],
];

/** `actions` has `move(delta)`, `open()`, `filter()` and `escape()`. */
export function listen(actions) {
  const pages = () => Math.max(1, Math.floor(innerHeight / 60));
  const moves = {
    j: () => 1, ArrowDown: () => 1, k: () => -1, ArrowUp: () => -1, PageDown: pages, PageUp: () => -pages(),
    Home: () => -Infinity, End: () => Infinity,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const field = event.target.closest?.("input, select, textarea");
    if (event.key === "Escape") {
      actions.escape(field);
    } else if (field) {
      // In a field keys are text; only the way out of the filter's field leads to the table.
      if (field.type !== "search" || !["Enter", "ArrowDown"].includes(event.key)) return;
      actions.move(0);
    } else if (event.key === "/") {
      actions.filter();
    } else if (event.key === "Enter") {
      if (event.target.closest?.("a, button") || !actions.open()) return;
    } else if (Object.hasOwn(moves, event.key)) {
      // Inside the detail the keys of reading scroll.
      if (event.target.closest?.("#side") && !["j", "k"].includes(event.key)) return;
      actions.move(moves[event.key]());
    } else {
      return;
    }
    event.preventDefault();
  });
}
