// Lines of two sides (a voucher's debit and credit): a line has an amount on one side, both sums must be equal. `=` fills
// what is missing, the space bar changes sides, the difference is red until it is nothing.

import { english, make, say, showNumber } from "./base.js";
import { capitals, text, units } from "./decimal.js";

/** @param rows the lines; `set(row, name, value)` writes a cell */
export function sides(section, names, { rows, set, label }) {
  const [left, right] = names;
  const foot = make("div", { class: "sides-foot" }, make("span", { class: "in-words" }), make("span", { class: "difference", role: "status" }));
  section.querySelector(".grid-wrap").after(foot);
  const sum = (name, except) => rows().reduce((total, row) => (row === except ? total : total + units(row.values[name])), 0n);
  const other = (name) => (name === left ? right : left);

  function put(row, name, amount) {
    set(row, other(name), "0");
    set(row, name, text(amount));
  }
  const self = {
    has: (name) => names.includes(name),
    blank: (name, value) => names.includes(name) && units(value) === 0n,
    other,
    /** The amount that makes both sums equal, in this line; the side that it stands on. */
    balance(row, name) {
      const amount = sum(other(name), row) - sum(name, row);
      const side = amount < 0n ? other(name) : name;
      put(row, side, amount < 0n ? -amount : amount);
      return side;
    },
    /** The amount goes to the other side. */
    turn(row, name) {
      const from = units(row.values[name]) !== 0n ? name : other(name);
      const amount = units(row.values[from]);
      if (amount !== 0n) put(row, other(from), amount);
      return other(name);
    },
    /** An amount was typed on one side: the other has none. */
    typed(row, name) {
      if (names.includes(name) && units(row.values[name]) !== 0n && units(row.values[other(name)]) !== 0n) set(row, other(name), "0");
    },
    filled: (row, name) => units(row.values[name]) !== 0n,
    show() {
      const [one, two] = [sum(left), sum(right)];
      const gap = one - two;
      const place = foot.querySelector(".difference");
      place.classList.toggle("negative", gap !== 0n);
      const words = gap === 0n ? say("balanced") : say("difference", { amount: showNumber(text(gap < 0n ? -gap : gap), { type: "money" }), side: label(gap < 0n ? left : right) });
      if (place.textContent !== words) place.textContent = words;
      const total = one > two ? one : two;
      foot.querySelector(".in-words").textContent = english ? `${say("sides_total")} ${showNumber(text(total), { type: "money" })}` : `${say("sides_total")} ${capitals(text(total))}`;
    },
  };
  return self;
}
