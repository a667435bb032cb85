// Keeps relative times fresh, and lets Escape put an absolute time away (WCAG 1.4.13).
const units = [
  ["year", 31_557_600, 2 * 31_557_600],
  ["month", 2_629_800, 120 * 86_400],
  ["day", 86_400, 2 * 86_400],
  ["hour", 3_600, 3_600],
  ["minute", 60, 60],
];

function relative(seconds) {
  const size = Math.abs(seconds);
  if (size < 45) return seconds > 0 ? "in a moment" : "just now";
  const [unit, length] = units.find(([, , from]) => size >= from) ?? ["minute", 60];
  const nearly = seconds > 0 && length >= 86_400 ? 0.1 : 0; // what ends in 365 days is 12 months away
  const count = Math.max(1, Math.floor(size / length + nearly));
  const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return seconds > 0 ? `in ${words}` : `${words} ago`;
}

function refresh() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll(".time > time")) {
    const words = relative((Date.parse(element.dateTime) - Date.now()) / 1_000);
    if (element.textContent !== words) element.textContent = words;
  }
}

function dismiss(event) {
  if (event.key !== "Escape") return;
  for (const element of document.querySelectorAll(".time:is(:hover, :focus)")) element.dataset.dismissed = "";
}

function forget(event) {
  const element = event.target.closest?.(".time[data-dismissed]");
  if (element) delete element.dataset.dismissed;
}

document.addEventListener("keydown", dismiss);
document.addEventListener("mouseover", forget);
document.addEventListener("focusin", forget);
document.addEventListener("visibilitychange", refresh);
setInterval(refresh, 15_000);
