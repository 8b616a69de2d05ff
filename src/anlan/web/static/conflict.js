// What somebody else changed while one was typing, in words: [label, before, now, mine] for each field and cell.

import { say, showValue } from "./base.js";

/** Whether two values of a field are the same: links by their id, figures by their size. */
export function same(one, other, field) {
  const id = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value.id : value);
  if (id(one) === id(other)) return true;
  return showValue(one ?? null, field) === showValue(other ?? null, field);
}

export function differencesOf({ fields, stored, theirs, mine, touched, grids }) {
  const found = [];
  for (const [name, field] of Object.entries(fields)) {
    if (field.computed || field.hidden) continue;
    if (field.type === "lines") found.push(...ofLines(name, field, { stored, theirs, typed: grids.get(name)?.rows() ?? [] }));
    else {
      const [before, now] = [showValue(stored[name], field), showValue(theirs[name], field)];
      if (before !== now) found.push([field.label, before, now, touched.has(name) ? showValue(mine[name], field) || "–" : ""]);
    }
  }
  return found;
}

function ofLines(name, field, { stored, theirs, typed }) {
  const before = new Map((stored[name] ?? []).map((line) => [line.id, line]));
  const own = new Map(typed.map((row) => [row.id, row]));
  const found = [];
  const first = field.order.find((key) => !field.fields[key].computed) ?? field.order[0];
  (theirs[name] ?? []).forEach((line, index) => {
    const old = before.get(line.id);
    before.delete(line.id);
    const at = say("line", { n: index + 1 });
    if (!old) return found.push([`${at} · ${say("line_added")}`, "", showValue(line[first], field.fields[first]), ""]);
    for (const key of field.order) {
      const one = field.fields[key];
      if (one.computed) continue;
      const [was, now] = [showValue(old[key], one), showValue(line[key], one)];
      const row = own.get(line.id);
      if (was !== now) found.push([`${at} · ${one.label}`, was, now, row?.dirty.has(key) ? showValue(row.values[key], one) || "–" : ""]);
    }
    return undefined;
  });
  for (const line of before.values()) found.push([say("line_removed"), showValue(line[first], field.fields[first]), "", ""]);
  return found;
}
