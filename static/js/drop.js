// A file dropped on .drop goes into its file input; the name and size are shown and announced.
const size = (bytes) => (bytes < 1_000 ? `${bytes} bytes` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function boxOf(event) {
  return event.target.closest?.(".drop");
}

function tell(box) {
  const files = [...(box.querySelector("input[type=file]")?.files ?? [])];
  const output = box.querySelector("output");
  if (output) output.textContent = files.map((file) => `${file.name}, ${size(file.size)}`).join("; ");
}

document.addEventListener("dragover", (event) => {
  const box = boxOf(event);
  if (!box || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  box.dataset.over = "";
});

document.addEventListener("dragleave", (event) => {
  const box = boxOf(event);
  if (box && !box.contains(event.relatedTarget)) delete box.dataset.over;
});

document.addEventListener("drop", (event) => {
  const box = boxOf(event);
  if (!box || event.dataTransfer.files.length === 0) return;
  event.preventDefault();
  delete box.dataset.over;
  const input = box.querySelector("input[type=file]");
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

document.addEventListener("change", (event) => {
  const box = boxOf(event);
  if (box) tell(box);
});
