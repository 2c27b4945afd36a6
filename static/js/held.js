// New rows of a list wait behind a pill, so that nothing moves under a pointer or a screen
// reader, until somebody asks for them. Then each goes where the server has it: among the rows
// of its group, in the order of the view.
//
// live.js tells, as events: "durableweb:hold" (detail: a row that is new), "durableweb:unhold"
// (detail: the id of one that is gone) and "durableweb:list" (detail: the page as the server
// draws it now). In the page: [data-live-pill], and each ul[data-group] after its heading.
(() => {
  const pill = document.querySelector("[data-live-pill]");
  if (!pill) return;
  const held = new Map();
  // The groups as the server had them when it was last asked: name, ids of rows, heading.
  let groups = [];

  const showPill = () => {
    (pill.querySelector("[data-live-pill-text]") || pill).textContent = `${held.size} new`;
    pill.hidden = held.size === 0;
  };
  const lists = () => [...document.querySelectorAll(".q-rows")];
  const listOf = (name) => lists().find((list) => list.dataset.group === name);
  const headingOf = (list) => (list.previousElementSibling?.matches(".group-title") ? list.previousElementSibling : null);

  // A group is counted and shown by the rows that it has.
  const count = (list) => {
    const heading = headingOf(list);
    if (!heading) return;
    const rows = list.querySelectorAll("[data-row]:not(.is-gone)").length;
    heading.querySelector(".row-number").textContent = String(rows);
    heading.hidden = list.hidden = list.childElementCount === 0;
  };
  const counting = new MutationObserver((changes) => {
    for (const list of new Set(changes.map((change) => change.target.closest(".q-rows")))) if (list) count(list);
  });
  const watch = (list) => counting.observe(list, { childList: true, subtree: true, attributeFilter: ["class"] });
  lists().forEach(watch);

  // A group that nobody has seen yet stands after the one that the server has before it.
  const made = (group, after) => {
    const list = lists()[0].cloneNode(false);
    list.removeAttribute("id");
    list.dataset.group = group.name;
    list.setAttribute("aria-label", group.label);
    const heading = group.heading.cloneNode(true);
    if (after) after.after(heading, list); else (headingOf(lists()[0]) || lists()[0]).before(heading, list);
    watch(list);
    return list;
  };
  const insert = (list, row, before) => {
    list.hidden = false;
    const heading = headingOf(list);
    if (heading) heading.hidden = false;
    if (before) before.after(row); else list.prepend(row);
    row.classList.add("is-new");
    window.htmx?.process(row);
  };
  const place = () => {
    let last = null;
    for (const group of groups) {
      const isAwaited = group.ids.some((id) => held.has(id));
      const list = listOf(group.name) || (isAwaited && group.heading ? made(group, last) : null);
      if (!list) continue;
      let before = null;
      for (const id of group.ids) {
        const row = held.get(id);
        if (row) {
          insert(list, row, before);
          held.delete(id);
        }
        const there = document.getElementById(id);
        if (there?.parentElement === list) before = there;
      }
      last = list;
    }
    for (const row of held.values()) insert(lists()[0], row, lists()[0].lastElementChild);
    held.clear();
  };

  pill.addEventListener("click", () => {
    const rows = [...held.values()];
    document.getElementById("queue-empty")?.remove();
    // The row in view stays in view.
    const fixed = [...document.querySelectorAll(".q-rows > [data-row]")].find((row) => row.getBoundingClientRect().bottom > 0);
    const top = fixed?.getBoundingClientRect().top;
    place();
    const moved = fixed ? fixed.getBoundingClientRect().top - top : 0;
    if (moved) (fixed.closest("[data-scrolls]") || document.scrollingElement).scrollBy(0, moved);
    showPill();
    (rows[0]?.querySelector("[data-row-link]") || rows[0])?.focus({ preventScroll: true });
    rows[0]?.scrollIntoView({ block: "nearest" });
    document.dispatchEvent(new CustomEvent("durableweb:rows"));
  });

  document.addEventListener("durableweb:hold", ({ detail: row }) => {
    held.set(row.id, row);
    showPill();
  });
  document.addEventListener("durableweb:unhold", ({ detail: id }) => {
    if (held.delete(id)) showPill();
  });
  document.addEventListener("durableweb:list", ({ detail: fresh }) => {
    groups = [...fresh.querySelectorAll(".q-rows")].map((list) => ({
      name: list.dataset.group,
      label: list.getAttribute("aria-label"),
      ids: [...list.querySelectorAll("[data-row]")].map((row) => row.id),
      heading: headingOf(list)?.cloneNode(true),
    }));
  });
})();
