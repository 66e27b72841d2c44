// Sorting of all tables, and tables of many rows, which stand in the page as columns: dictionaries of cells, and the number of
// every row's cell. Their rows are made when somebody looks, the first ones until all are asked for.
const rowsAtFirst = { folded: 200, open: 40 };
const longText = 40;
const tableData = JSON.parse(document.getElementById("tables").textContent);

const sortKey = (row, column) => {
  const text = row.cells[column].dataset.sort ?? row.cells[column].textContent;
  return keyOfText(text);
};

const keyOfText = (text) => {
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

// A button in each title; `sort(column, sign)` is called with 1 for upwards, -1 for downwards.
function makeHeads(heads, sort) {
  heads.forEach((head, column) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.ariaSort !== "ascending";
      heads.forEach((other) => { other.ariaSort = "none"; });
      head.ariaSort = up ? "ascending" : "descending";
      sort(column, up ? 1 : -1);
    });
  });
}

function makeSortable(table) {
  makeHeads([...table.tHead.rows[0].cells], (column, sign) => {
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => compareKeys(sortKey(a, column), sortKey(b, column), sign));
    table.tBodies[0].append(...rows);
  });
}

const cellNumber = (column, row) => (column.texts.length === 1 ? 0 : column.of ? column.of[row] : row);

function cellElement(column, row) {
  const at = cellNumber(column, row);
  const text = column.texts[at];
  const classes = column.number ? ["number"] : [];
  if (column.absent.has(at)) {
    classes.push("missing");
  } else if (!column.number && text.length > longText) {
    classes.push("long");
  }
  return make("td", { className: classes.join(" "), textContent: text });
}

// The key of each different cell of a column; cells without a number come last.
const columnKeys = (column) => column.texts.map((text, i) => (column.keys ? column.keys[i] ?? "" : keyOfText(text)));

function makeRows(box) {
  const { rows, columns } = tableData[box.dataset.table];
  columns.forEach((column) => { column.absent = new Set(column.missing); });
  const order = Array.from({ length: rows }, (_, row) => row);
  let shown = Math.min(rows, box.closest("details") ? rowsAtFirst.folded : rowsAtFirst.open);
  const heads = columns.map((column) => make("th", { scope: "col", className: column.number ? "number" : "" }, column.title));
  const body = make("tbody", {});
  const more = make("button", { type: "button", className: "more" });
  const fill = () => {
    body.replaceChildren(...order.slice(0, shown).map((row) => make("tr", {}, ...columns.map((column) => cellElement(column, row)))));
    more.hidden = shown === rows;
    more.textContent = `${shown} of ${rows} rows: show all`;
  };
  makeHeads(heads, (column, sign) => {
    const keys = columnKeys(columns[column]);
    const keyOfRow = order.map((_, row) => keys[cellNumber(columns[column], row)]);
    order.sort((a, b) => compareKeys(keyOfRow[a], keyOfRow[b], sign) || a - b);
    fill();
  });
  more.addEventListener("click", () => {
    shown = rows;
    fill();
  });
  fill();
  box.append(make("div", { className: "scroll" }, make("table", { className: "plain" },
    make("thead", {}, make("tr", {}, ...heads)), body)), more);
}

// Folded tables when they are opened, the others at once.
function makeTables() {
  document.querySelectorAll("table.sortable").forEach(makeSortable);
  document.querySelectorAll(".rows").forEach((box) => {
    const folded = box.closest("details");
    if (folded) {
      folded.addEventListener("toggle", () => makeRows(box), { once: true });
    } else {
      makeRows(box);
    }
  });
}
