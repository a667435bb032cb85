// Copy buttons: data-copy holds the id of the element whose text is copied. The word "Copied" is announced once.
const voice = document.createElement("div");
voice.className = "sr-only";
voice.setAttribute("role", "status");
document.body.append(voice);

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copying is not allowed");
  return undefined;
}

function select(source) {
  const range = document.createRange();
  range.selectNodeContents(source);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source) return;
  voice.textContent = "";
  try {
    await write(source.value ?? source.textContent.trim());
    button.focus();
    button.dataset.done = "";
    voice.textContent = "Copied";
    setTimeout(() => delete button.dataset.done, 2_000);
  } catch {
    select(source);
    voice.textContent = "Selected. Press Control and C to copy.";
  }
});
