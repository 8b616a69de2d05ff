// What every script of a page needs: words, the API, figures.

const embedded = (id) => JSON.parse(document.getElementById(id)?.textContent || "{}");
const words = embedded("words");

/** A sentence in the page's language; `{name}` is filled from params. */
export const say = (code, params = {}) =>
  (words[code] ?? code).replace(/\{(\w+)\}/g, (all, name) => params[name] ?? all);

export const pageData = embedded;
export const english = document.documentElement.lang === "en";

/** Speak to screen readers without moving the focus. */
export const announce = (text) => {
  document.getElementById("announce").textContent = text;
};

/** What the API answered with a status that is not 2xx: `status`, and `problem` as RFC 9457 has it. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || String(status));
    this.status = status;
    this.problem = problem;
  }
}

/** One call of the API; a FormData is sent as such. Throws Refused; a TypeError of fetch: the server was not reached. */
export async function api(method, path, { body, version, signal, key } = {}) {
  const form = body instanceof FormData;
  const headers = { Accept: "application/json", "Accept-Language": english ? "en" : "zh-CN" };
  if (body !== undefined && !form) headers["Content-Type"] = "application/json";
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  if (key) headers["Idempotency-Key"] = key;
  const answer = await fetch(`/api/v1${path}`, {
    method, headers, signal, credentials: "same-origin", body: body === undefined || form ? body : JSON.stringify(body),
  });
  if (answer.status === 401) {
    // The session ran out: in again in place, then the same question; what is typed stays where it is.
    await (await import("./session.js")).reenter();
    return api(method, path, { body, version, signal, key });
  }
  const content = answer.status === 204 ? null : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, content || {});
  return content;
}

const FULL_WIDTH = /[\uff01-\uff5e]/g;
const half = (text) => text.replace(FULL_WIDTH, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replaceAll("。", ".").trim();

/** A typed figure as the API's decimal text; "" for nothing, undefined for what is no figure. Never a float. */
export function readNumber(typed) {
  const text = half(typed).replace(/[\s%¥$]/g, "");
  if (text === "") return "";
  // A comma may group thousands and nothing else: "3,5" is a slip, not thirty-five.
  if (text.includes(",") && !/^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/.test(text)) return undefined;
  const found = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text.replaceAll(",", ""));
  if (!found || (found[2] === "" && !found[3])) return undefined;
  const whole = found[2].replace(/^0+(?=\d)/, "") || "0";
  return (found[1] === "-" ? "-" : "") + whole + (found[3] ? `.${found[3]}` : "");
}

/** A decimal text with grouped thousands; money and prices have at least two decimals. */
export function showNumber(value, field) {
  if (value === null || value === undefined || value === "") return "";
  const [whole, rest = ""] = String(value).replace("-", "").split(".");
  const least = field.type === "money" || field.type === "price" ? 2 : 0;
  const digits = rest.replace(/0+$/, "").padEnd(least, "0");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return (String(value).startsWith("-") ? "-" : "") + grouped + (digits ? `.${digits}` : "") + (field.type === "percent" ? "%" : "");
}

const pad = (number) => String(number).padStart(2, "0");

/** A typed day as ISO text: 2026-11-24, 2026/11/24, 20261124, 11-24, 1124, 24 (of this month). */
export function readDate(typed) {
  const text = half(typed).replace(/[/.年月]/g, "-").replace(/日$/, "");
  if (text === "") return "";
  const now = new Date(`${document.body.dataset.today ?? new Date().toISOString().slice(0, 10)}T00:00:00`); // the server's day: a phone's clock may be wrong
  const shapes = [
    [/^(\d{4})-(\d{1,2})-(\d{1,2})$/, (m) => [m[1], m[2], m[3]]], [/^(\d{4})(\d{2})(\d{2})$/, (m) => [m[1], m[2], m[3]]],
    [/^(\d{1,2})-(\d{1,2})$/, (m) => [now.getFullYear(), m[1], m[2]]], [/^(\d{2})(\d{2})$/, (m) => [now.getFullYear(), m[1], m[2]]],
    [/^(\d{1,2})$/, (m) => [now.getFullYear(), now.getMonth() + 1, m[1]]],
  ];
  for (const [shape, parts] of shapes) {
    const found = shape.exec(text);
    if (!found) continue;
    const [year, month, day] = parts(found).map(Number);
    const real = new Date(Date.UTC(year, month - 1, day));
    if (real.getUTCMonth() === month - 1 && real.getUTCDate() === day) return `${year}-${pad(month)}-${pad(day)}`;
  }
  return undefined;
}

export const NUMERIC = new Set(["integer", "decimal", "percent", "quantity", "money", "price", "duration"]);
export const LINKS = new Set(["link", "user", "department", "company"]);

/** A value as plain text, as the server would write it. */
export function showValue(value, field) {
  if (value === null || value === undefined || value === "") return "";
  if (NUMERIC.has(field.type)) return showNumber(value, field);
  if (typeof value === "object" && !Array.isArray(value)) return value.label || value.name || value.code || "";
  if (field.options) return [].concat(value).map((key) => field.options.find((one) => one[0] === key)?.[1] ?? key).join("、");
  if (field.type === "boolean") return value ? (english ? "Yes" : "是") : (english ? "No" : "否");
  return String(value);
}

/** An element with attributes and children; text is always text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((one) => one !== null && one !== undefined && one !== ""));
  return element;
}

/** Put something that floats below an element, or above it where there is more room. */
export function placeBelow(floating, anchor, { right = false } = {}) {
  const box = anchor.getBoundingClientRect();
  const size = floating.getBoundingClientRect();
  const left = right ? box.right - size.width : box.left;
  floating.style.left = `${Math.max(8, Math.min(left, innerWidth - size.width - 8))}px`;
  const below = box.bottom + 4;
  floating.style.top = `${below + size.height > innerHeight - 8 && box.top > size.height + 8 ? box.top - size.height - 4 : below}px`;
}
