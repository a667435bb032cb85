// A form is sent once: a second submit while the first is under way is ignored, and its button says so.
// A form that answers with a file keeps its page, so data-again lets it be sent again after two seconds.
const sent = new WeakSet();

function release(form) {
  sent.delete(form);
  form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  event.submitter?.setAttribute("aria-busy", "true");
  if ("again" in form.dataset) setTimeout(release, 2_000, form);
});

window.addEventListener("pageshow", () => [...document.forms].forEach(release));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target instanceof HTMLFormElement) release(event.target);
});
