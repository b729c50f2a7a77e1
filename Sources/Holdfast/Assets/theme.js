// Runs before the first paint, so that a page in the dark does not flash. Everything else is a module.
(() => {
  try {
    const theme = localStorage.getItem("holdfast.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // A browser that keeps nothing: the system's preference stays.
  }
  document.documentElement.classList.add("scripted");
})();
