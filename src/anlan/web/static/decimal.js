// Exact decimal arithmetic over the API's texts, and amounts in Chinese capitals. Never a float.

const SCALE = 8n;
const UNIT = 10n ** SCALE;

/** A decimal text as whole units of 10⁻⁸; nothing counts as zero. */
export function units(text) {
  if (text === null || text === undefined || text === "") return 0n;
  const [whole, rest = ""] = String(text).replace("-", "").split(".");
  const value = BigInt(whole || "0") * UNIT + BigInt(rest.slice(0, Number(SCALE)).padEnd(Number(SCALE), "0") || "0");
  return String(text).startsWith("-") ? -value : value;
}

/** The text of units, without trailing zeros. */
export function text(value) {
  const size = value < 0n ? -value : value;
  const rest = String(size % UNIT).padStart(Number(SCALE), "0").replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${size / UNIT}${rest ? `.${rest}` : ""}`;
}

export const add = (one, other) => text(units(one) + units(other));

const DIGITS = "零壹贰叁肆伍陆柒捌玖";
const PLACES = ["", "拾", "佰", "仟"];
const SECTIONS = ["", "万", "亿", "万亿"];

function section(value) {
  let found = "";
  let zero = false;
  for (let place = 3; place >= 0; place -= 1) {
    const digit = Math.floor(value / 10 ** place) % 10;
    if (digit === 0) zero = found !== "" || zero;
    else {
      found += (zero && found ? "零" : "") + DIGITS[digit] + PLACES[place];
      zero = false;
    }
  }
  return found;
}

/** 1234.5 → 壹仟贰佰叁拾肆元伍角整: as RMBCAP writes it. */
export function capitals(amount) {
  let cents = (units(amount) + (units(amount) < 0n ? -UNIT / 200n : UNIT / 200n)) / (UNIT / 100n);
  const minus = cents < 0n ? "负" : "";
  cents = cents < 0n ? -cents : cents;
  if (cents === 0n) return "零元整";
  const [jiao, fen] = [Number((cents / 10n) % 10n), Number(cents % 10n)];
  let rest = cents / 100n;
  let yuan = "";
  let gap = false;
  for (let at = 0; rest > 0n; at += 1) {
    const part = Number(rest % 10000n);
    rest /= 10000n;
    if (part) yuan = section(part) + SECTIONS[at] + (gap && yuan ? "零" : "") + yuan;
    gap = part ? part < 1000 : gap && yuan !== "";
    if (!part && yuan) gap = true;
  }
  const small = (jiao ? `${DIGITS[jiao]}角` : fen && yuan ? "零" : "") + (fen ? `${DIGITS[fen]}分` : "");
  return minus + (yuan ? `${yuan}元` : "") + (small || "整") + (jiao && !fen ? "整" : "");
}
