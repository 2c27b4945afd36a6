// Sets the colours before anything is painted, and says that scripts run.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const read = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const wanted = () => read("durableweb.theme") || "system";
  const apply = () => {
    const dark = wanted() === "dark" || (wanted() === "system" && system.matches);
    root.setAttribute("data-bs-theme", dark ? "dark" : "light");
  };
  root.classList.add("has-js");
  apply();
  system.addEventListener("change", apply);
  addEventListener("storage", apply);
  addEventListener("durableweb:theme", apply);
})();
