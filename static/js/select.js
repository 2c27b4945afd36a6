// Choosing several questions of the queue: boxes, a range by keyboard, all that match.
(() => {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  const boxes = () => [...document.querySelectorAll("[data-pick]")];
  const count = bar.querySelector("[data-bulk-count]");
  const every = bar.querySelector("[data-bulk-all]");
  const announce = (words) => document.dispatchEvent(new CustomEvent("durableweb:announce", { detail: words }));
  const chosen = () => boxes().filter((box) => box.checked).length;
  const total = () => document.getElementById("queue-total").textContent.trim();

  const show = () => {
    const all = every.checked;
    count.textContent = all ? total() : String(chosen());
    bar.querySelector("[data-bulk-total]").textContent = total();
    bar.classList.toggle("is-open", all || chosen() > 0);
    document.body.classList.toggle("all-chosen", all);
  };
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-pick], [data-bulk-all]")) return;
    if (event.target.matches("[data-pick]") && !event.target.checked) every.checked = false;
    show();
    announce(`${count.textContent} selected`);
  });
  bar.querySelector("[data-bulk-clear]").addEventListener("click", () => {
    for (const box of boxes()) box.checked = false;
    every.checked = false;
    show();
    announce("Nothing selected");
  });
  for (const name of ["durableweb:live", "durableweb:rows", "durableweb:gone"]) document.addEventListener(name, show);

  // Keys: of the row that has the focus, else of the one that is open
  const current = () => document.activeElement?.closest?.("[data-row]") || document.querySelector("[data-row][aria-current]");
  const pick = (row, checked) => {
    const box = row?.querySelector("[data-pick]");
    if (!box) return;
    box.checked = checked ?? !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };
  document.addEventListener("durableweb:key", (event) => {
    const key = event.detail;
    if (key === "x") {
      pick(current());
    } else if (key === "J" || key === "K") {
      const row = current();
      pick(row, true);
      document.dispatchEvent(new CustomEvent("durableweb:step", { detail: key === "J" ? 1 : -1 }));
      pick(current(), true);
    } else if (key === "*") {
      every.checked = !every.checked;
      every.dispatchEvent(new Event("change", { bubbles: true }));
    } else {
      return;
    }
    event.preventDefault();
  });
  show();
})();
