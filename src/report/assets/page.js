// Theme, task tabs, sorting, and drawing again when any of them or the width changes.
let chosenTask = 0;

function drawAll() {
  document.querySelectorAll("[data-plot]").forEach((element) => drawScatter(element, chosenTask));
  drawForests();
  drawAnswers();
}

function setTheme(theme, remember) {
  document.documentElement.dataset.theme = theme;
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

const sortKey = (row, column) => {
  const text = row.cells[column].dataset.sort ?? row.cells[column].textContent;
  const number = Number(text);
  return text !== "" && !Number.isNaN(number) ? number : text;
};

// Numbers before words, and cells without a number always last.
function compareKeys(a, b, sign) {
  if (typeof a !== typeof b) {
    return typeof a === "number" ? -1 : 1;
  }
  if (typeof a === "number") {
    return sign * (a - b);
  }
  return sign * a.localeCompare(b);
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.ariaSort !== "ascending";
      heads.forEach((other) => { other.ariaSort = "none"; });
      head.ariaSort = up ? "ascending" : "descending";
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compareKeys(sortKey(a, column), sortKey(b, column), up ? 1 : -1));
      table.tBodies[0].append(...rows);
    });
  });
}

setTheme(firstTheme(), false);
makeTabs();
makeAdvice();
makeAnswers();
document.querySelectorAll("table.sortable").forEach(makeSortable);
document.getElementById("theme").addEventListener("click", () => {
  setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark", true);
  drawAll();
});
let width = document.documentElement.clientWidth;
new ResizeObserver(() => {
  if (document.documentElement.clientWidth !== width) {
    width = document.documentElement.clientWidth;
    requestAnimationFrame(drawAll);  // drawing within the observer would resize again
  }
}).observe(document.documentElement);
drawAll();
