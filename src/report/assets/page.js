// Theme, task tabs, and drawing again when any of them or the width changes.
let chosenTask = 0;

function drawAll() {
  document.querySelectorAll("[data-plot]").forEach((element) => drawScatter(element, chosenTask));
  drawForests();
  drawAnswers();
}

function setTheme(theme, remember) {
  document.documentElement.dataset.theme = theme;
  tokens.clear();
  if (remember) {
    try {
      localStorage.setItem("nibble-theme", theme);
    } catch { /* a page opened from a file may have no storage */ }
  }
}

function firstTheme() {
  const asked = /theme=(light|dark)/.exec(location.hash);
  if (asked) {
    return asked[1];
  }
  try {
    const stored = localStorage.getItem("nibble-theme");
    if (stored) {
      return stored;
    }
  } catch { /* likewise */ }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function makeTabs() {
  const tabs = document.querySelector("#cost .tabs");
  data.tasks.forEach((task, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.role = "tab";
    button.textContent = task.name;
    button.ariaSelected = String(index === chosenTask);
    button.addEventListener("click", () => {
      chosenTask = index;
      tabs.querySelectorAll("button").forEach((b, i) => { b.ariaSelected = String(i === index); });
      drawAll();
    });
    tabs.append(button);
  });
}

setTheme(firstTheme(), false);
makeTabs();
makeAdvice();
makeAnswers();
makeTables();
document.getElementById("theme").addEventListener("click", () => {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark", true);
  drawAll();
});
addEventListener("beforeprint", drawWaiting);
let width = document.documentElement.clientWidth;
new ResizeObserver(() => {
  if (document.documentElement.clientWidth !== width) {
    width = document.documentElement.clientWidth;
    requestAnimationFrame(drawAll);  // drawing within the observer would resize again
  }
}).observe(document.documentElement);
drawAll();
