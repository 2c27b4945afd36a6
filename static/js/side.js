// What stands beside a question: the part that was chosen stays chosen with the next question.
//
// Where the room is too narrow for a column it is one line above the form ([data-side], a
// <details>). At first it is open where the state has facts to show ([data-side-first]) and
// they fit side by side, and folded on a phone; then it is as its reader left it. A comment that
// was begun waits for its question to come back.
(() => {
  const TWO_CARDS_REM = 34;
  let chosen = "";
  let isOpen = null;

  const begin = () => {
    const fold = document.querySelector("[data-side]");
    if (!fold) return;
    const line = fold.querySelector("summary");
    const isColumn = () => getComputedStyle(line).display === "none";
    const tab = chosen && document.getElementById(chosen);
    if (tab) tab.checked = true;
    const item = fold.closest("[data-item]");
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const isFirst = () => fold.hasAttribute("data-side-first") && item.clientWidth >= TWO_CARDS_REM * rem;
    const settle = () => { fold.open = isColumn() || (isOpen ?? isFirst()); };
    settle();
    fold.dataset.begun = "";
    line.addEventListener("click", () => { isOpen = !fold.open; });
    let was = isColumn();
    new ResizeObserver(() => {
      if (isColumn() === was) return;
      was = isColumn();
      settle();
    }).observe(item);
  };

  // A comment that was begun stays with its question until it is sent
  const begun = new Map();
  const comment = () => document.getElementById("comment-text");
  const itemOf = (field) => field.closest("[data-item]")?.dataset.item;
  const keep = () => {
    const field = comment();
    if (!field) return;
    if (field.value.trim()) begun.set(itemOf(field), field.value); else begun.delete(itemOf(field));
  };
  const giveBack = () => {
    const field = comment();
    const words = field && begun.get(itemOf(field));
    if (words && !field.value) field.value = words;
  };
  document.addEventListener("input", (event) => { if (event.target === comment()) keep(); });
  document.addEventListener("htmx:after:swap", keep);
  document.addEventListener("submit", (event) => { if (!event.defaultPrevented && event.target.contains(comment())) begun.delete(itemOf(comment())); });
  document.addEventListener("durableweb:pane", giveBack);
  addEventListener("beforeunload", (event) => { if (begun.size) event.preventDefault(); });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-side] [name=side]")) chosen = event.target.id;
  });
  document.addEventListener("durableweb:pane", begin);
  begin();
})();
