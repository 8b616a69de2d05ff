// The lines grid: a plain table, and one shared input that sits in the active cell.
//
// The input has the focus all the time, also when nothing is being edited: so an input method (pinyin) starts in the
// cell at once, and screen readers read a labelled input. In "walking" it is empty and invisible; typing replaces
// the cell, F2 edits it. A row is {id, values, touched, bad, faults}; a value that is undefined is "unset": the server's
// default fills it. What cannot be read (an unknown code, a bad figure) stays in `bad` as text until it is mended.

import { LINKS, NUMERIC, announce, make, placeBelow, readDate, readNumber, say, showValue } from "./base.js";
import { meanings, pasteBar } from "./grid-paste.js";
import { sides as twoSides } from "./grid-sides.js";
import { rowWindow } from "./grid-window.js";
import { column as shape, parseTable, tableText } from "./table-text.js";
import { hintsOf, meant, picker, suggest } from "./typeahead.js";

const MOST_PASTED = 1000;
const MOST_UNDO = 60;

/**
 * @param section  the element [data-lines] with the server's table
 * @param field    the lines field: fields, order; `editable(name)` says what may be typed into, `structure` whether
 *                 rows may come and go
 * @param onchange called after every change of a value or of the rows
 * @param head     gives the record's head fields, which hints of a link look at
 */
export function createGrid(section, { field, lines, editable, structure, onchange, path, form, head }) {
  const body = section.querySelector("tbody");
  const table = section.querySelector("table");
  const columns = field.order.map((name) => shape(name, field.fields[name], editable(name)));
  const inputs = columns.flatMap((one, at) => (one.input ? [at] : []));
  const firstLink = columns.findIndex((one) => LINKS.has(one.field.type));
  const editor = make("input", { class: "editor", autocomplete: "off", spellcheck: "false", autocapitalize: "none", role: "textbox" });
  const tip = make("div", { class: "cell-fault", hidden: true, id: `fault-tip-${path}` });
  const floating = picker();
  const past = [];
  let rows = [];
  let at = { r: 0, c: inputs[0] ?? 0 };
  let anchor = null; // the other corner of a range
  let editing = false;
  let focused = false;
  let moving = false;
  let dragging = false; // a range is being drawn with the mouse
  let leaving = false; // Esc was pressed: the next Tab leaves the grid
  let asked = 0;
  let shownFor = ""; // the text that the open list answers; a list that is behind the fingers chooses nothing

  const pane = rowWindow(body, { draw: (row) => draw(row), after: () => paintRange() });
  const pair = field.grid?.sides?.length === 2 && field.grid.sides.every((name) => editable(name))
    ? twoSides(section, field.grid.sides, { rows: () => rows, set: (row, name, value) => set(row, name, value), label: (name) => field.fields[name].label })
    : null;

  const choices = (name, text) =>
    suggest(field.fields[name].to ?? `system.${field.fields[name].type}`, text, { field: `${form}/${path}.${name}` });

  // ---- rows
  const newRow = (values = {}, id = undefined) => ({ id, values, touched: new Set(), dirty: new Set(), bad: {}, faults: {}, cells: [], element: null });
  const filled = (row) => row.id || row.touched.size > 0 || Object.keys(row.bad).length > 0;
  const sent = () => rows.filter(filled);
  const remember = () => {
    past.push(rows.map((row) => ({ row, values: { ...row.values }, touched: new Set(row.touched), bad: { ...row.bad } })));
    if (past.length > MOST_UNDO) past.shift();
  };
  const undo = () => {
    const before = past.pop();
    if (!before) return;
    rows = before.map(({ row, values, touched, bad }) => Object.assign(row, { values, touched, bad }));
    redraw();
    onchange();
  };

  // ---- drawing
  const cell = (r, c) => rows[r]?.cells[c];
  function paint(row, c) {
    const td = row.cells[c];
    if (!td) return;
    const { name, field: one } = columns[c];
    const bad = row.bad[name];
    const text = bad ? bad.text : pair?.blank(name, row.values[name]) ? "" : showValue(row.values[name], one);
    const code = (c === 0 || c === firstLink) && !bad && row.values[name]?.code && row.values[name].code !== text ? row.values[name].code : "";
    // The editor stays where it is: an element that is moved loses the focus.
    for (const node of [...td.childNodes]) if (node !== editor) node.remove();
    td.prepend(text, code ? make("span", { class: "code" }, ` ${code}`) : "");
    td.classList.toggle("bad", Boolean(bad || row.faults[name]));
    td.classList.toggle("negative", NUMERIC.has(one.type) && text.startsWith("-"));
    td.title = bad?.message ?? row.faults[name] ?? (text.length > 24 ? text : "");
  }
  function draw(row) {
    const number = make("td", { class: "row-no", role: "rowheader" });
    row.cells = columns.map((one) => make("td", { role: "gridcell", class: one.classes, "data-label": one.field.label, "aria-readonly": one.input ? null : "true" }));
    row.element = make("tr", {}, number, ...row.cells);
    columns.forEach((_, c) => paint(row, c));
  }
  function redraw() {
    if (!rows.length && structure) rows.push(newRow());
    for (const row of rows) if (row.element) columns.forEach((_, c) => paint(row, c));
    at.r = Math.max(0, Math.min(at.r, rows.length - 1));
    renumber();
    place();
  }
  function renumber() {
    moving = true;
    pane.show(rows, at.r);
    moving = false;
    pair?.show();
    table.setAttribute("aria-rowcount", rows.length + 1);
    section.querySelector("[data-count]").textContent = sent().length;
  }
  function place() {
    if (!inputs.length || !rows.length) return;
    body.querySelectorAll(".active, .editing").forEach((one) => one.classList.remove("active", "editing"));
    moving = true;
    pane.reach(at.r);
    const td = cell(at.r, at.c);
    const { name, field: one } = columns[at.c];
    moving = true;
    td.append(editor);
    if (focused) {
      td.classList.add("active");
      editor.focus({ preventScroll: true });
      td.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    moving = false;
    editor.value = "";
    editor.readOnly = !columns[at.c].input;
    editor.inputMode = NUMERIC.has(one.type) ? "decimal" : "text";
    const shown = rows[at.r].bad[name]?.text ?? showValue(rows[at.r].values[name], one);
    editor.setAttribute("aria-label", `${say("cell", { column: one.label, n: at.r + 1 })}: ${shown || say("empty")}`);
    paintRange();
    showFault();
  }
  function paintRange() {
    body.querySelectorAll(".in-range").forEach((one) => one.classList.remove("in-range"));
    if (!anchor || !focused || !rows[at.r]) return;
    const box = range();
    for (let r = box.top; r <= box.bottom; r += 1) for (let c = box.left; c <= box.right; c += 1) cell(r, c)?.classList.add("in-range");
  }
  function showFault() {
    const { name } = columns[at.c];
    const words = focused && (rows[at.r].bad[name]?.message ?? rows[at.r].faults[name]);
    tip.hidden = !words;
    editor.setAttribute("aria-invalid", words ? "true" : "false");
    if (!words) return editor.removeAttribute("aria-describedby");
    tip.textContent = words;
    document.body.append(tip);
    editor.setAttribute("aria-describedby", tip.id);
    placeBelow(tip, cell(at.r, at.c));
  }
  const range = () => {
    const other = anchor ?? at;
    return { top: Math.min(at.r, other.r), bottom: Math.max(at.r, other.r), left: Math.min(at.c, other.c), right: Math.max(at.c, other.c) };
  };

  // ---- walking
  function go(r, c, { extend = false } = {}) {
    finish();
    if (extend) anchor ??= { ...at };
    else anchor = null;
    at = { r: Math.max(0, Math.min(rows.length - 1, r)), c: Math.max(0, Math.min(columns.length - 1, c)) };
    leaving = false;
    place();
  }
  function step(direction) {
    finish();
    // A line of two sides has one amount: the other side is passed by.
    const passed = (c) => direction > 0 && pair?.has(columns[c].name) && c === at.c + 1 && pair.has(columns[at.c].name) && pair.filled(rows[at.r], columns[at.c].name);
    const where = inputs.findIndex((c) => (direction > 0 ? c > at.c && !passed(c) : c >= at.c));
    const next = direction > 0 ? where : (where < 0 ? inputs.length : where) - 1;
    if (next >= 0 && next < inputs.length) return go(at.r, inputs[next]);
    if (direction > 0) {
      if (at.r === rows.length - 1) {
        if (!structure || !filled(rows[at.r])) return leave();
        insert(rows.length);
      }
      return go(at.r + 1, inputs[0]);
    }
    return at.r > 0 ? go(at.r - 1, inputs.at(-1)) : undefined;
  }
  function leave() {
    // An empty last line says "that was all": on to what stands after the grid.
    leaving = true;
    const next = document.querySelector(".record-head .btn-primary:not([hidden])");
    next?.focus();
  }
  function insert(r) {
    if (!structure) return;
    remember();
    rows.splice(r, 0, newRow());
    renumber();
  }
  function remove() {
    if (!structure) return;
    const { top, bottom } = range();
    remember();
    editing = false;
    rows.splice(top, bottom - top + 1);
    anchor = null;
    announce(say("removed", { n: top + 1 }));
    at.r = Math.min(top, rows.length - 1);
    redraw();
    onchange();
  }
  function shift(direction) {
    const to = at.r + direction;
    if (!structure || to < 0 || to >= rows.length) return;
    remember();
    [rows[at.r], rows[to]] = [rows[to], rows[at.r]];
    renumber();
    go(to, at.c);
    onchange();
  }

  // ---- values
  function set(row, name, value) {
    row.values[name] = value;
    row.touched.add(name);
    row.dirty.add(name);
    delete row.bad[name];
    delete row.faults[name];
    // Defaults that look at this field follow it, unless somebody typed them.
    for (const one of columns) if (one.follows.has(name) && !row.touched.has(one.name)) row.values[one.name] = undefined;
    paint(row, columns.findIndex((one) => one.name === name));
  }
  function setBad(row, name, text, message) {
    row.bad[name] = { text, message };
    row.values[name] = undefined;
    paint(row, columns.findIndex((one) => one.name === name));
  }
  /** Put a text into a cell as its type reads it; links that are not known yet are asked for. */
  function take(row, name, text) {
    const one = field.fields[name];
    const typed = text.trim();
    if (typed === "") return set(row, name, null);
    if (LINKS.has(one.type)) return resolve(row, name, typed);
    if (NUMERIC.has(one.type)) {
      const number = readNumber(typed);
      return number === undefined ? setBad(row, name, typed, say("not_number", { text: typed })) : set(row, name, number);
    }
    if (one.type === "date") {
      const day = readDate(typed);
      return day === undefined ? setBad(row, name, typed, say("not_date", { text: typed })) : set(row, name, day);
    }
    if (one.options) {
      const option = one.options.find(([key, label]) => [key, label].includes(typed)) ?? one.options.find(([, label]) => label.startsWith(typed));
      return option ? set(row, name, option[0]) : setBad(row, name, typed, say("unknown", { text: typed, what: one.label }));
    }
    if (one.type === "boolean") return set(row, name, /^(1|y|yes|true|是|√|✓)$/i.test(typed));
    return set(row, name, typed);
  }
  const resolving = new Set(); // links that are being asked for; a save waits for them
  function resolve(row, name, text) {
    const work = ask(row, name, text).finally(() => resolving.delete(work));
    resolving.add(work);
  }
  async function ask(row, name, text) {
    const one = field.fields[name];
    row.values[name] = undefined;
    row.touched.add(name);
    row.bad[name] = { text, message: "" };
    paint(row, columns.findIndex((each) => each.name === name));
    const found = meant(await choices(name, text).catch(() => []), text);
    if (row.bad[name]?.text !== text) return; // typed over meanwhile
    if (found) set(row, name, found);
    else setBad(row, name, text, say("unknown", { text, what: one.label }));
    if (rows[at.r] === row) showFault();
    onchange();
  }

  // ---- editing
  function start(text, { select = false } = {}) {
    if (!columns[at.c].input) return;
    editing = true;
    cell(at.r, at.c).classList.add("editing");
    editor.value = text;
    if (select) editor.select();
    else editor.setSelectionRange(text.length, text.length);
    lookUp();
  }
  function finish() {
    floating.hide();
    asked += 1;
    if (!editing) return;
    editing = false;
    const row = rows[at.r];
    const { name, field: one } = columns[at.c];
    const text = editor.value;
    const before = row.bad[name]?.text ?? showValue(row.values[name], one);
    cell(at.r, at.c).classList.remove("editing");
    if (text.trim() === before) return;
    remember();
    take(row, name, text);
    pair?.typed(row, name);
    changedHere();
  }
  /** After a change of a cell: the sums of two sides follow at once, the rest when the server answers. */
  function changedHere() {
    pair?.show();
    onchange();
  }
  function cancel() {
    floating.hide();
    asked += 1;
    editing = false;
    place();
  }
  function pick(found) {
    const { name, field: one } = columns[at.c];
    remember();
    editing = false;
    set(rows[at.r], name, one.options ? found.id : found);
    onchange();
    floating.hide();
    step(1);
  }
  async function lookUp({ all = false } = {}) {
    const { name, field: one } = columns[at.c];
    const turn = ++asked;
    const text = all ? "" : editor.value.trim();
    if (one.options) {
      shownFor = editor.value;
      const fit = one.options.filter(([key, label]) => !text || label.includes(text) || key.startsWith(text));
      return floating.show(cell(at.r, at.c), fit.map(([id, label]) => ({ id, label })));
    }
    if (!LINKS.has(one.type) || (!text && !all)) return floating.hide();
    await new Promise((done) => setTimeout(done, 90));
    if (turn !== asked) return;
    const found = await choices(name, text).catch(() => []);
    if (turn !== asked || !editing) return;
    shownFor = editor.value;
    floating.show(cell(at.r, at.c), found);
    hint(name, found, turn);
  }
  /** Figures beside the choices (on hand, last price …), when the server has them: the list does not wait for them. */
  async function hint(name, found, turn) {
    const { hints } = field.fields[name];
    if (!hints || !found.length || !head) return;
    const told = await hintsOf(form, `${path}.${name}`, found.map((one) => one.id), head()).catch(() => null);
    if (!told || turn !== asked || !editing) return;
    floating.beside((one) => hints.filter((each) => told[one.id]?.[each.key] !== undefined)
      .map((each) => `${each.label} ${showValue(told[one.id][each.key], { type: each.type })}`).join("  "));
  }
  function openPicker() {
    const { name, field: one, input } = columns[at.c];
    if (!input) return;
    if (one.type === "date") {
      editor.type = "date";
      editor.value = rows[at.r].values[name] ?? "";
      editing = true;
      cell(at.r, at.c).classList.add("editing");
      try {
        editor.showPicker();
      } catch {
        // Some browsers open it only from a click: the native field itself is then typed into.
      }
      return;
    }
    if (!editing) start(showValue(rows[at.r].values[name], one), { select: true });
    lookUp({ all: true });
  }
  floating.onpick = pick;

  // ---- copying
  function copyDown() {
    const box = range();
    const from = box.top === box.bottom ? box.top - 1 : box.top;
    if (from < 0) return;
    finish();
    remember();
    for (let r = from + 1; r <= box.bottom; r += 1) for (let c = box.left; c <= box.right; c += 1) copyCell(rows[from], rows[r], c);
    place();
    onchange();
  }
  function copyCell(from, to, c) {
    const { name, input } = columns[c];
    if (!input) return;
    if (from.bad[name]) setBad(to, name, from.bad[name].text, from.bad[name].message);
    else if (from.values[name] !== undefined) set(to, name, from.values[name]);
  }
  function copyLine() {
    if (at.r === 0) return;
    remember();
    inputs.forEach((c) => copyCell(rows[at.r - 1], rows[at.r], c));
    place();
    onchange();
  }
  function copied() {
    const box = range();
    return tableText(rows.slice(box.top, box.bottom + 1).map((row) =>
      columns.slice(box.left, box.right + 1).map(({ name, field: one }) => row.bad[name]?.text ?? forExcel(row.values[name], one))));
  }
  const forExcel = (value, one) => (NUMERIC.has(one.type) ? (value ?? "") : LINKS.has(one.type) ? (value?.code ?? value?.label ?? "") : showValue(value, one));
  async function paste(text) {
    const block = parseTable(text);
    if (block.length > MOST_PASTED) return bar(say("too_many", { n: MOST_PASTED }));
    remember();
    const before = past.at(-1);
    const links = [];
    const width = Math.max(...block.map((one) => one.length));
    while (structure && rows.length < at.r + block.length) rows.push(newRow());
    block.slice(0, rows.length - at.r).forEach((values, down) => values.forEach((value, right) => {
      const one = columns[at.c + right];
      if (!one?.input) return;
      const row = rows[at.r + down];
      if (LINKS.has(one.field.type) && value.trim()) links.push({ row, name: one.name, text: value.trim() });
      else take(row, one.name, value);
    }));
    anchor = { r: Math.min(rows.length, at.r + block.length) - 1, c: Math.min(columns.length - 1, at.c + width - 1) };
    redraw();
    const unknown = await pasteLinks(links);
    const bad = rows.reduce((sum, row) => sum + Object.values(row.bad).filter((one) => one.message).length, 0);
    bar(say("pasted", { rows: block.length, columns: width }) + (bad ? say("pasted_bad", { n: bad }) : ""), {
      undo: () => {
        while (past.length && past.at(-1) !== before) past.pop();
        undo();
      },
      unknown, replace: replaceUnknown, skip: skipUnknown,
    });
    changedHere();
  }
  /** Pasted codes and names: what is known is taken; the rest, grouped by its text: [{name, text, rows, …}]. */
  async function pasteLinks(links) {
    const unknown = [];
    for (const [name, wanted] of Map.groupBy(links, (one) => one.name)) {
      const target = field.fields[name].to ?? `system.${field.fields[name].type}`;
      const known = await meanings(target, [...new Set(wanted.map((one) => one.text))], (text) => choices(name, text));
      const { label } = field.fields[name];
      for (const [text, cells] of Map.groupBy(wanted, (one) => one.text)) {
        if (known.has(text)) cells.forEach(({ row }) => set(row, name, known.get(text)));
        else {
          cells.forEach(({ row }) => setBad(row, name, text, say("unknown", { text, what: label })));
          unknown.push({ name, label, target, source: `${form}/${path}.${name}`, text, rows: cells.map(({ row }) => row) });
        }
      }
    }
    return unknown;
  }
  const bar = (text, how = {}) => pasteBar(section.querySelector("[data-paste]"), text, how);
  function replaceUnknown({ name, text, rows: these }, found) {
    remember();
    for (const row of these) if (row.bad[name]?.text === text) set(row, name, found);
    onchange();
  }
  function skipUnknown({ name, text, rows: these }) {
    remember();
    rows = rows.filter((row) => !these.includes(row) || row.bad[name]?.text !== text);
    redraw();
    onchange();
  }

  // ---- keys
  const walking = {
    F2: () => start(rows[at.r].bad[columns[at.c].name]?.text ?? editText()),
    F4: openPicker, F9: copyLine,
    Home: (event) => go(event.ctrlKey ? 0 : at.r, 0, { extend: event.shiftKey }),
    End: (event) => go(event.ctrlKey ? rows.length - 1 : at.r, columns.length - 1, { extend: event.shiftKey }),
    PageUp: (event) => go(at.r - 15, at.c, { extend: event.shiftKey }),
    PageDown: (event) => go(at.r + 15, at.c, { extend: event.shiftKey }),
    ArrowLeft: (event) => go(at.r, at.c - 1, { extend: event.shiftKey }),
    ArrowRight: (event) => go(at.r, at.c + 1, { extend: event.shiftKey }),
    ArrowUp: (event) => go(at.r - 1, at.c, { extend: event.shiftKey }),
    ArrowDown: (event) => {
      if (at.r === rows.length - 1 && !event.shiftKey && filled(rows[at.r])) insert(rows.length);
      go(at.r + 1, at.c, { extend: event.shiftKey });
    },
    Delete: clear, Backspace: clear,
  };
  const editText = () => {
    const { name, field: one } = columns[at.c];
    const value = rows[at.r].values[name];
    return NUMERIC.has(one.type) ? (value ?? "").toString().replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "") : showValue(value, one);
  };
  function clear() {
    const box = range();
    remember();
    for (let r = box.top; r <= box.bottom; r += 1) for (let c = box.left; c <= box.right; c += 1) if (columns[c].input) set(rows[r], columns[c].name, null);
    place();
    onchange();
  }
  function onkey(event) {
    if (event.isComposing) return;
    const { key } = event;
    if (key === "Tab" && leaving) return;
    const handled = control(event) ?? (key === "Enter" || key === "Tab" ? enter(event) : key === "Escape" ? escape() : undefined) ??
      (editing ? editingKey(event) : walkingKey(event));
    if (handled === false || handled === undefined) return;
    event.preventDefault();
    event.stopPropagation();
  }
  function control(event) {
    const { key } = event;
    if (event.altKey && key === "ArrowDown") return (openPicker(), true);
    if (pair?.has(columns[at.c].name) && !event.ctrlKey && !event.altKey && !event.metaKey) {
      if (key === "=" || key === "＝") return (onSides("balance"), true);
      if (key === " " && !(editing && editor.value.trim())) return (onSides("turn"), true);
    }
    if (!(event.ctrlKey || event.metaKey)) return undefined;
    if (key === "Enter") return (finish(), insert(at.r + 1), go(at.r + 1, inputs[0]), onchange(), true);
    if (key === "Delete" || (event.metaKey && key === "Backspace")) return (remove(), true);
    if (key.toLowerCase() === "d") return (copyDown(), true);
    if (event.shiftKey && key === "ArrowUp") return (finish(), shift(-1), true);
    if (event.shiftKey && key === "ArrowDown") return (finish(), shift(1), true);
    if (editing) return false;
    if (key.toLowerCase() === "z") return (undo(), true);
    if (key.toLowerCase() === "a") {
      anchor = { r: 0, c: 0 };
      at = { r: rows.length - 1, c: columns.length - 1 };
      return (place(), true);
    }
    return key === "Home" || key === "End" ? undefined : false;
  }
  function onSides(what) {
    const { name } = columns[at.c];
    if (what === "turn") finish();
    else {
      editing = false;
      floating.hide();
    }
    remember();
    const side = pair[what](rows[at.r], name);
    go(at.r, columns.findIndex((one) => one.name === side));
    changedHere();
  }
  function enter(event) {
    const chosen = editing && shownFor === editor.value && floating.chosen();
    if (chosen && editor.value.trim() && !event.shiftKey) pick(chosen);
    else step(event.shiftKey ? -1 : 1);
    return true;
  }
  function escape() {
    if (editing) cancel();
    else if (leaving) editor.blur();
    else {
      anchor = null;
      leaving = true;
      paintRange();
    }
    return true;
  }
  function editingKey(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const down = event.key === "ArrowDown";
      if (floating.open()) floating.move(down ? 1 : -1);
      else go(at.r + (down ? 1 : -1), at.c);
      return true;
    }
    return event.key === "F4" ? (openPicker(), true) : false;
  }
  function walkingKey(event) {
    if (event.key === " " && columns[at.c].input && columns[at.c].field.type === "boolean") {
      remember();
      set(rows[at.r], columns[at.c].name, !rows[at.r].values[columns[at.c].name]);
      return (onchange(), true);
    }
    const action = event.altKey ? undefined : walking[event.key];
    return action ? (action(event), true) : false;
  }

  // ---- events
  editor.addEventListener("keydown", onkey);
  editor.addEventListener("input", (event) => {
    if (editing) return event.isComposing ? undefined : lookUp();
    editing = true;
    cell(at.r, at.c).classList.add("editing");
    if (!event.isComposing) lookUp();
  });
  editor.addEventListener("compositionstart", () => cell(at.r, at.c).classList.add("editing"));
  editor.addEventListener("compositionend", () => {
    editing = true;
    lookUp();
  });
  editor.addEventListener("change", () => {
    if (editor.type !== "date") return;
    finish();
    editor.type = "text";
    place();
  });
  editor.addEventListener("focus", () => {
    if (moving) return;
    focused = true;
    leaving = false;
    place();
  });
  editor.addEventListener("blur", () => {
    if (moving) return;
    finish();
    editor.type = "text";
    focused = false;
    anchor = null;
    dragging = false;
    body.querySelectorAll(".active, .editing, .in-range").forEach((one) => one.classList.remove("active", "editing", "in-range"));
    tip.hidden = true;
  });
  editor.addEventListener("copy", (event) => {
    if (editing) return;
    event.clipboardData.setData("text/plain", copied());
    event.preventDefault();
  });
  editor.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    if (editing && !/[\t\n]/.test(text.trimEnd())) return;
    event.preventDefault();
    finish();
    paste(text);
  });
  body.addEventListener("mousedown", (event) => {
    const td = event.target.closest("td");
    if (!td || event.target === editor && editing) return;
    const r = rows.findIndex((row) => row.element === td.parentElement);
    const c = rows[r]?.cells.indexOf(td) ?? -1;
    if (c < 0) return;
    event.preventDefault();
    dragging = true;
    const again = focused && at.r === r && at.c === c;
    focused = true;
    go(r, c, { extend: event.shiftKey });
    // A second tap edits (there is no F2 on a phone); with a mouse it takes a double click.
    if (event.detail === 2 || (again && matchMedia("(pointer: coarse)").matches)) start(editText());
  });
  body.addEventListener("mousemove", (event) => {
    if (!dragging || !(event.buttons & 1) || editing) return;
    const td = event.target.closest("td");
    const r = rows.findIndex((row) => row.element === td?.parentElement);
    const c = rows[r]?.cells.indexOf(td) ?? -1;
    if (c >= 0 && (r !== at.r || c !== at.c)) go(r, c, { extend: true });
  });
  addEventListener("mouseup", () => (dragging = false));
  section.querySelector("[data-act=add-line]")?.addEventListener("click", () => {
    finish();
    if (filled(rows.at(-1))) insert(rows.length);
    focused = true;
    go(rows.length - 1, inputs[0]);
  });

  // ---- what the record's script uses
  function load(content) {
    rows = content.map((line) => {
      const { id, ...values } = line;
      return newRow(values, id);
    });
    past.length = 0;
    redraw();
  }
  function merge(content, snapshot) {
    const computed = Object.entries(field.fields);
    snapshot.forEach((row, index) => {
      const line = content[index];
      if (!line) return;
      for (const [name, one] of computed) {
        if (!(name in line) || row.bad[name]) continue;
        if (!one.computed && row.values[name] !== undefined) continue;
        const same = row.values[name] === line[name];
        row.values[name] = line[name];
        if (same && typeof line[name] !== "object") continue;
        const c = columns.findIndex((each) => each.name === name);
        if (c >= 0 && !(editing && rows[at.r] === row && at.c === c)) paint(row, c);
      }
    });
    pair?.show();
  }
  /** A scanned item: one more in the line that has it already (and the same lot), else a new line. What a scan says of
   *  lot, expiry and serial number goes where the definition wants it. */
  function scanned(item, parts, scan, plus) {
    finish();
    remember();
    const holds = (row, name, text) => !name || (row.bad[name]?.text ?? row.values[name]?.code ?? row.values[name] ?? "") === (text ?? "");
    let row = parts.serial && scan.serial ? undefined
      : rows.find((one) => one.values[scan.item]?.id === item.id && (!parts.lot || holds(one, scan.lot, parts.lot)));
    if (row) set(row, scan.quantity, plus(row.values[scan.quantity] ?? "0", "1"));
    else {
      row = rows.find((one) => !filled(one));
      if (!row) rows.push((row = newRow()));
      set(row, scan.item, item);
      set(row, scan.quantity, "1");
      for (const part of ["lot", "expiry", "serial"]) if (scan[part] && parts[part] && field.fields[scan[part]]) take(row, scan[part], parts[part]);
    }
    at.r = rows.indexOf(row);
    redraw();
    row.element.scrollIntoView({ block: "nearest" });
    onchange();
    return { quantity: row.values[scan.quantity], line: at.r + 1 };
  }
  function faults(found, snapshot) {
    for (const row of rows) {
      const had = Object.keys(row.faults);
      row.faults = {};
      had.forEach((name) => paint(row, columns.findIndex((one) => one.name === name)));
    }
    for (const { index, name, message } of found) {
      const row = snapshot[index];
      if (!row) continue;
      // What is wrong with a column that is not shown is told at the first one.
      const c = Math.max(0, columns.findIndex((one) => one.name === name));
      row.faults[columns[c].name] = message;
      paint(row, c);
    }
    if (focused) showFault();
  }
  /** Rows as plain data, and back: what the browser keeps. */
  const dump = () => rows.filter(filled).map(({ id, values, touched, dirty, bad }) => ({ id, values, touched: [...touched], dirty: [...dirty], bad }));
  function revive(content) {
    rows = content.map(({ id, values, touched, dirty, bad }) =>
      Object.assign(newRow(values, id ?? undefined), { touched: new Set(touched), dirty: new Set(dirty), bad: bad ?? {} }));
    past.length = 0;
    redraw();
  }
  /** Somebody else's lines below one's own input: cells that were typed stay, all others are theirs. */
  function rebase(theirs, before) {
    const now = new Map(theirs.map((line) => [line.id, line]));
    const known = new Set(before.map((line) => line.id));
    rows = rows.filter((row) => !row.id || now.has(row.id) || row.dirty.size);
    for (const row of rows) {
      const line = now.get(row.id);
      if (!row.id) continue;
      if (!line) row.id = undefined; // they removed what was being typed into: it comes again as a new line
      else for (const name of Object.keys(field.fields)) if (!row.dirty.has(name) && name in line) row.values[name] = line[name];
    }
    rows.push(...theirs.filter((line) => !known.has(line.id)).map(({ id, ...values }) => newRow(values, id)));
    redraw();
  }
  load(lines);
  /** The lines of a copy: all that stands in them counts as typed. */
  const touchAll = () => rows.forEach((row) => Object.entries(row.values).forEach(([name, value]) => {
    if (value !== null && field.fields[name] && !field.fields[name].computed) {
      row.touched.add(name);
      row.dirty.add(name);
    }
  }));
  return {
    rows: sent, load, merge, faults, dump, revive, rebase, finish, touchAll, scanned,
    clean: () => rows.forEach((row) => row.dirty.clear()),
    settle: async () => {
      finish();
      await Promise.all(resolving);
    },
    bad: () => rows.flatMap((row) => Object.entries(row.bad).map(([name, one]) => ({ row, name, message: one.message }))),
    unset: (row) => Object.keys(field.fields).some((name) => row.values[name] === undefined && !field.fields[name].computed && columns.some((one) => one.name === name && one.follows.size)),
    number: (row) => rows.indexOf(row) + 1,
    focus: (row, name) => {
      focused = true;
      const c = columns.findIndex((one) => one.name === name);
      go(Math.max(0, rows.indexOf(row)), c < 0 ? (inputs[0] ?? 0) : c);
    },
    focusFirst: () => {
      focused = true;
      go(0, inputs[0] ?? 0);
    },
  };
}
