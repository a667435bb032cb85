// A field of a CA's form that depends on another (data-when: its name, data-is: the value it must have) comes and goes with it.
const value = (form, name) => {
  const control = form.elements.namedItem(name);
  if (!control) return "";
  return control.type === "checkbox" ? (control.checked ? "yes" : "") : control.value;
};

const counts = (form, box) => {
  const above = document.getElementById(`${box.dataset.when}_box`);
  const other = value(form, box.dataset.when) === box.dataset.is;
  return other && (!above?.dataset.when || counts(form, above));
};

function settle() {
  for (const box of document.querySelectorAll("[data-when]")) {
    const form = box.closest("form");
    if (form) box.hidden = !counts(form, box);
  }
}

document.addEventListener("change", settle);
document.addEventListener("htmx:load", settle);
window.addEventListener("pageshow", settle);
settle();

// A button that asks a CA says so for as long as it takes, and asks once at a time.
for (const [event, busy] of [["htmx:beforeRequest", true], ["htmx:afterRequest", false]]) {
  document.addEventListener(event, ({ target }) => {
    if (!target.matches?.("[data-busy]")) return;
    if (busy) target.setAttribute("aria-busy", "true");
    else target.removeAttribute("aria-busy");
  });
}
