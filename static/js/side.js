// What stands beside a question: the part that was chosen stays chosen with the next question.
//
// Where the room is too narrow for a column it is one line above the form ([data-side], a
// <details>). At first it is open where the state has facts to show ([data-side-first]) and
// they fit side by side, and folded on a phone; then it is as its reader left it.
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

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-side] [name=side]")) chosen = event.target.id;
  });
  document.addEventListener("durableweb:pane", begin);
  begin();
})();
