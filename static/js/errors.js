// A refused form: the summary takes focus. A live check: the control is told whether its message is an error.
document.querySelector(".error-summary")?.focus();

document.addEventListener("htmx:afterSwap", (event) => {
  const slot = event.target.closest?.("[data-slot-of]");
  const control = slot && document.getElementById(slot.dataset.slotOf);
  if (!control) return;
  const message = slot.querySelector(".field-error");
  const others = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== `${control.id}_error`);
  control.toggleAttribute("aria-invalid", Boolean(message));
  if (message) control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", [...others, ...(message ? [message.id] : [])].join(" "));
});
