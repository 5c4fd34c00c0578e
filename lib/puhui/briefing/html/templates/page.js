"use strict";
// Tables sort by a click on a heading, and the index filters; without it a page is complete too.
const zh = new Intl.Collator("zh", { numeric: true });
const cellOf = (row, n) => row.cells[n];
const numberOf = (cell) => parseFloat(cell.textContent.replace(/[,\s]/g, "").replace("−", "-"));
const empty = (cell) => cell.classList.contains("none") || /^\s*(—|－|无数据|)\s*$/.test(cell.textContent);

function compare(n, numeric, down) {
  return (a, b) => {
    const [x, y] = [cellOf(a, n), cellOf(b, n)];
    if (empty(x) || empty(y)) return empty(x) - empty(y);
    const [u, v] = [numberOf(x), numberOf(y)];
    if (numeric && (isNaN(u) || isNaN(v))) return isNaN(u) - isNaN(v);
    return (numeric ? u - v : zh.compare(x.textContent, y.textContent)) * (down ? -1 : 1);
  };
}

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const given = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const next = now === "ascending" ? "descending" : now === "descending" ? "" : "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (next) head.setAttribute("aria-sort", next);
      const numeric = head.classList.contains("n");
      const rows = next ? [...given].sort(compare(n, numeric, next === "descending")) : given;
      body.append(...rows);
    });
  });
}

const filter = document.querySelector(".filter");
if (filter) {
  const rows = [...document.querySelector("#table-status").tBodies[0].rows];
  const [text, ...choices] = filter.querySelectorAll("input, select");
  const shown = filter.querySelector("output");
  const apply = () => {
    const wanted = text.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const fits = row.textContent.toLowerCase().includes(wanted)
        && choices.every((c) => !c.value || row.dataset[c.name] === c.value);
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = shown.dataset.template.replace("%", count);
  };
  filter.addEventListener("input", apply);
  filter.hidden = false;
  apply();
}
