// The browser's own notifications for new notices, while a page of the site is open.
//
// Off until somebody switches them on, on the page of notices: only that click asks for the
// permission. The choice belongs to this browser and is kept in it. One request every half
// minute, by one tab at a time; the number of the last notice shown is shared by all tabs.
(() => {
  const CHOICE = "durableweb.notify";
  const LAST = "durableweb.notify.last";
  const ASKED_AT = "durableweb.notify.asked";
  const EVERY_MS = 30000;
  const ADDRESS = `${document.body.dataset.base || "/"}notices/new`;
  const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private mode */ } };
  const read = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const canNotify = () => "Notification" in window;
  const isOn = () => canNotify() && read(CHOICE) === "on" && Notification.permission === "granted";

  const show = (item) => {
    // The same tag in another tab takes the place of this one instead of standing beside it.
    const notification = new Notification("durableweb", { body: item.text, tag: `notice-${item.number}` });
    notification.addEventListener("click", () => {
      window.focus();
      if (item.url.startsWith("/") && !item.url.startsWith("//")) location.href = item.url;
      notification.close();
    });
  };

  let stopped = false;
  const look = async () => {
    if (stopped || !isOn() || Date.now() - Number(read(ASKED_AT) || 0) < EVERY_MS - 1000) return;
    store(ASKED_AT, Date.now());
    const last = read(LAST);
    try {
      const answer = await fetch(last === null ? ADDRESS : `${ADDRESS}?after=${encodeURIComponent(last)}`, { headers: { Accept: "application/json" } });
      if (answer.redirected || answer.status === 401 || answer.status === 403) { stopped = true; return; }
      if (!answer.ok) return;
      const news = await answer.json();
      store(LAST, String(news.last));
      news.items.forEach(show);
    } catch { /* the next look will tell */ }
  };
  if (document.body.hasAttribute("data-signed-in")) {
    setInterval(look, EVERY_MS);
    look();
  }

  // The switch
  const place = document.querySelector("[data-notify]");
  if (!place) return;
  const button = place.querySelector("[data-notify-switch]");
  const word = place.querySelector("[data-notify-word]");
  const say = () => {
    const denied = canNotify() && Notification.permission === "denied";
    button.hidden = !canNotify() || denied;
    button.setAttribute("aria-pressed", String(isOn()));
    button.textContent = isOn() ? "Turn off" : "Turn on";
    word.textContent = !canNotify() ? "This browser cannot show notifications."
      : denied ? "Refused in this browser: allow notifications for this site in its settings first."
        : isOn() ? "On. A notification is shown for a new notice while a page of this site is open."
          : "Off. A notification is shown for a new notice while a page of this site is open.";
  };
  button.addEventListener("click", async () => {
    if (isOn()) {
      store(CHOICE, "off");
    } else if (await Notification.requestPermission() === "granted") {
      store(CHOICE, "on");
      try { localStorage.removeItem(LAST); localStorage.removeItem(ASKED_AT); } catch { /* private mode */ }
      look();
    }
    say();
  });
  say();
})();
