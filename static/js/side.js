// What stands beside a question: the part that was chosen stays chosen with the next question.
//
// Where the room is too narrow for a column it is one line above the form ([data-side], a
// <details>): folded at first, unless the workflow chose what is to be seen
// ([data-side-first]), then as its reader left it.
(() => {
  let chosen = "";
  let isOpen = null;

  const begin = () => {
    const fold = document.querySelector("[data-side]");
    if (!fold) return;
    const line = fold.querySelector("summary");
    const isColumn = () => getComputedStyle(line).display === "none";
    const tab = chosen && document.getElementById(chosen);
    if (tab) tab.checked = true;
    const settle = () => { fold.open = isColumn() || (isOpen ?? fold.hasAttribute("data-side-first")); };
    settle();
    fold.dataset.begun = "";
    line.addEventListener("click", () => { isOpen = !fold.open; });
    let was = isColumn();
    new ResizeObserver(() => {
      if (isColumn() === was) return;
      was = isColumn();
      settle();
    }).observe(fold.closest("[data-item]"));
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-side] [name=side]")) chosen = event.target.id;
  });
  document.addEventListener("durableweb:pane", begin);
  begin();
})();
