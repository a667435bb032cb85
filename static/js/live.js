// Elements with data-live ask for news: after 1 s for ten seconds, then every 2 s, and after a minute at intervals
// that double up to 30 s. Hidden pages do not ask; one that is seen again asks at once. The element itself says
// what to ask: hx-get, hx-trigger="live". A new element in its place starts afresh; none ends it.
const watched = new WeakSet();

const pause = (age, last) => (age < 10_000 ? 1_000 : age < 60_000 ? 2_000 : Math.min(last * 2, 30_000));

function watch(element) {
  if (watched.has(element)) return;
  watched.add(element);
  const born = Date.now();
  let wait = 1_000;
  let timer = 0;

  const again = () => {
    clearTimeout(timer);
    wait = pause(Date.now() - born, wait);
    timer = setTimeout(ask, wait);
  };
  const ask = () => {
    if (!element.isConnected) return stop();
    if (document.hidden) return undefined;
    if (!element.classList.contains("htmx-request")) window.htmx?.trigger(element, "live");
    return again();
  };
  const seen = () => (document.hidden ? clearTimeout(timer) : ask());
  const stop = () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };

  document.addEventListener("visibilitychange", seen);
  again();
}

const scan = () => document.querySelectorAll("[data-live]").forEach(watch);
document.addEventListener("htmx:load", scan);
scan();

// An answer from another address is the sign-in page of a session that has ended: it does not belong into this one.
// A live page loads itself again and lands there; a form keeps what was typed.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, pathInfo, xhr } = event.detail;
  const asked = new URL(pathInfo.finalRequestPath, location.href).pathname;
  if (!xhr.responseURL || new URL(xhr.responseURL).pathname === asked) return;
  event.detail.shouldSwap = false;
  if (elt.hasAttribute("data-live")) location.reload();
});
