// Buttons with data-reveal show and hide the password in the input whose id they name.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  const input = button && document.getElementById(button.dataset.reveal);
  if (!input) return;
  const shown = input.type === "password";
  input.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
});

// Passwords leave the page hidden, so that the browser does not offer them as ordinary text.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-reveal][aria-pressed=true]")) button.click();
});
