// Somebody who is signed out in the middle of their words keeps the page and the words: they
// log in in another tab and send them again from here.
//
// Told by "durableweb:signed-out", "durableweb:stale-form" (they have logged in anew), by a line of the page that is lost (line.js) and by htmx.
// When they come back the page takes the token of their new session for its forms, and sends
// "durableweb:signed-in". A page of somebody else's is never sent on: its words are not theirs.
(() => {
  const REFUSED = 401;
  const base = document.body.dataset.base;
  if (!base) return;
  const one = (selector, root = document) => root.querySelector(selector);
  const nameOn = (page) => one(".menu-name", page)?.textContent.trim();
  const say = (words) => document.dispatchEvent(new CustomEvent("durableweb:announce", { detail: words }));
  let strip = null;

  const tell = (words, ...more) => {
    strip ||= document.createElement("div");
    strip.className = "strip strip-error";
    strip.setAttribute("role", "alert");
    const span = document.createElement("span");
    span.append(words, ...more);
    strip.replaceChildren(span);
    if (!strip.isConnected) one("#strips")?.prepend(strip);
  };
  const begin = () => {
    if (strip) return;
    const link = document.createElement("a");
    link.href = `${base}login/?next=${encodeURIComponent(base)}`;
    link.target = "_blank";
    link.textContent = "log in in another tab";
    tell("You are signed out. What you typed is still here: ", link, ", come back and send it again.");
  };

  const lookOnce = async () => {
    try {
      const answer = await fetch(`${base}preferences/`, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok || answer.redirected || !strip) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (nameOn(page) !== nameOn(document)) {
        tell(`You are logged in as ${nameOn(page)} now. What was typed here by ${nameOn(document)} is not sent.`);
        return;
      }
      const token = one("[name=csrfmiddlewaretoken]", page).value;
      for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
      strip.remove();
      strip = null;
      say("You are logged in again");
      document.dispatchEvent(new CustomEvent("durableweb:signed-in"));
    } catch {
      // The server is away; whoever comes back again looks again.
    }
  };
  // Whoever asks while a look is under way is answered by one that began after they asked.
  let looking = null;
  let wanted = false;
  const lookWhileWanted = async () => {
    while (wanted && strip) {
      wanted = false;
      await lookOnce();
    }
  };
  const look = () => {
    wanted = true;
    looking ||= lookWhileWanted().finally(() => { looking = null; });
    return looking;
  };

  // A form that is sent meanwhile waits: it would take the words with it.
  addEventListener("submit", (event) => {
    if (!strip || event.target.method !== "post") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { target, submitter } = event;
    look().then(() => { if (strip) say(strip.textContent); else target.requestSubmit(submitter); });
  }, true);

  document.addEventListener("durableweb:signed-out", begin);
  // The token is of an older log-in: nobody is signed out, the forms need the new one.
  document.addEventListener("durableweb:stale-form", () => { begin(); look(); });
  document.addEventListener("durableweb:line", (event) => { if (event.detail.state === "lost") begin(); });
  document.addEventListener("htmx:before:response", (event) => {
    if (event.detail.ctx.response.status !== REFUSED) return;
    event.preventDefault();
    begin();
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  addEventListener("focus", look);
})();
