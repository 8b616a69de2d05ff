// Blocks of cells as Excel copies them (tab separated, quotes around what holds tabs, quotes or line ends), and what the
// lines grid has to know of a column.

import { NUMERIC } from "./base.js";

/** Cells of a pasted text: a list of rows, each a list of texts. */
export function parseTable(text) {
  const rows = [];
  let row = [];
  let cell = "";
  let quoted = false;
  const content = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (let place = 0; place < content.length; place += 1) {
    const character = content[place];
    if (quoted) {
      if (character === '"' && content[place + 1] === '"') {
        cell += '"';
        place += 1;
      } else if (character === '"') quoted = false;
      else cell += character;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === "\t") {
      row.push(cell);
      cell = "";
    } else if (character === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else cell += character;
  }
  rows.push([...row, cell]);
  return rows;
}

/** The text of a block of cells, as Excel takes it. */
export const tableText = (rows) =>
  rows.map((row) => row.map((cell) => (/[\t\n"]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join("\t")).join("\n");

/** A column of the grid: `follows` are the fields that its default looks at. */
export function column(name, field, input) {
  const text = typeof field.default === "string" ? field.default : "";
  return {
    name, field, input,
    follows: new Set(text.replace(/"[^"]*"/g, "").match(/[\p{L}_][\p{L}\p{N}_]*/gu) ?? []),
    classes: [NUMERIC.has(field.type) ? "num" : "", input ? "" : "locked"].filter(Boolean).join(" "),
  };
}
