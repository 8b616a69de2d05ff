// Charts beside figures: drawn from the JSON that stands after each place, in the page's own colours. Whoever cannot see
// them has the same figures as a table.

const read = (element, name) => getComputedStyle(element).getPropertyValue(name).trim();
const light = ["#0f6b66", "#2463b0", "#96590a", "#7a4bb0", "#b42a24", "#1a7f4b"];
const dark = ["#46b5aa", "#7fb0ee", "#e0a84e", "#bd9aea", "#f0837b", "#4fbf85"];
const drawn = new Set();
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A figure on an axis: 12,000 as 1.2万 or 12K, so that it stays narrow. */
function short(value) {
  const chinese = document.documentElement.lang !== "en";
  const steps = chinese ? [[1e8, "亿"], [1e4, "万"]] : [[1e9, "B"], [1e6, "M"], [1e3, "K"]];
  const step = steps.find(([size]) => Math.abs(value) >= size);
  return step ? `${+(value / step[0]).toFixed(1)}${step[1]}` : String(+value.toFixed(2));
}

const whole = (value, type) =>
  value === null || value === undefined ? "–" : Number(value).toLocaleString("en-US", type === "money" ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : {}) + (type === "percent" ? "%" : "");

function options(data, place) {
  const size = place.closest(".screen") ? 17 : 12;
  const text = read(place, "--an-soft");
  const line = read(place, "--an-line");
  const colours = document.documentElement.dataset.bsTheme === "dark" ? dark : light;
  const series = data.series.map((one) => ({ ...one, data: one.data.map((value) => (value === null ? null : Number(value))) }));
  const base = {
    color: colours, animation: !still, animationDuration: 150, textStyle: { fontFamily: read(document.body, "font-family") || "sans-serif", color: text },
    tooltip: { trigger: data.chart === "pie" ? "item" : "axis", confine: true, backgroundColor: read(place, "--an-raised"), borderColor: line, textStyle: { color: read(place, "--an-text"), fontSize: size }, valueFormatter: (value) => whole(value, data.type), axisPointer: { type: "shadow" } },
    legend: series.length > 1 || data.chart === "pie" ? { bottom: 0, type: "scroll", textStyle: { color: text, fontSize: size }, itemWidth: 10, itemHeight: 10 } : undefined,
  };
  if (data.chart === "pie") {
    const parts = data.names.map((name, at) => ({ name, value: series[0].data[at] })).filter((one) => one.value > 0);
    return { ...base, series: [{ type: "pie", radius: ["42%", "68%"], center: ["50%", "44%"], data: parts, label: { color: text, fontSize: size }, itemStyle: { borderColor: read(place, "--an-bg"), borderWidth: 2 } }] };
  }
  const long = data.names.length < 25 && data.names.some((name) => name.length > 7 && !/^\d{4}-/.test(name));
  const lying = long && data.chart === "bar" && series.length === 1;
  const names = { type: "category", data: data.names, inverse: lying, axisTick: { show: false }, axisLine: { lineStyle: { color: line } }, axisLabel: { color: text, fontSize: size, hideOverlap: true, interval: long && !lying ? 0 : undefined, rotate: long && !lying ? 28 : 0, width: long ? size * (lying ? 10.6 : 7) : undefined, overflow: long ? "truncate" : undefined } };
  const figures = { type: "value", splitLine: { lineStyle: { color: line } }, axisLabel: { color: text, fontSize: size, formatter: short, hideOverlap: true } };
  return {
    ...base, grid: { left: 4, right: 12, top: 12, bottom: series.length > 1 ? 34 : 4, containLabel: true },
    xAxis: lying ? figures : names, yAxis: lying ? names : figures,
    series: series.map((one) => ({ name: one.name, data: one.data, type: data.chart === "line" ? "line" : "bar", stack: data.chart === "stacked" ? "all" : undefined, barMaxWidth: size * 2.2, showSymbol: data.names.length < 32, symbolSize: 5, lineStyle: { width: 2 }, connectNulls: true, itemStyle: { borderRadius: data.chart === "bar" ? 2 : 0 } })),
  };
}

function draw(place) {
  const data = JSON.parse(place.nextElementSibling.textContent);
  place.classList.toggle("tall", data.names.length > 8);
  const chart = echarts.getInstanceByDom(place) ?? echarts.init(place, null, { renderer: "canvas" });
  chart.setOption(options(data, place), true);
  drawn.add(place);
}

// The library is large, so it comes when the first chart is there, after the page itself.
let library = null;
const loaded = () => (library ??= window.echarts ? Promise.resolve() : new Promise((done, failed) => {
  const script = document.createElement("script");
  script.src = document.querySelector("[data-charts]").dataset.charts;
  script.onload = done;
  script.onerror = failed;
  document.head.append(script);
}));

async function drawAll() {
  const places = [...document.querySelectorAll("[data-chart]")].filter((place) => !drawn.has(place));
  if (places.length) {
    try {
      await loaded();
    } catch {
      library = null; // the figures stand beside as a table; the next change of the page tries again
      return;
    }
    places.forEach((place) => place.isConnected && !drawn.has(place) && draw(place));
  }
  for (const place of drawn) if (!place.isConnected) {
    echarts.getInstanceByDom(place)?.dispose();
    drawn.delete(place);
  }
}

new MutationObserver(() => {
  drawAll();
  document.querySelectorAll(".widget[aria-busy]").forEach((one) => one.querySelector(".shapes") || one.removeAttribute("aria-busy"));
}).observe(document.getElementById("main"), { childList: true, subtree: true });
new MutationObserver(() => drawn.forEach(draw)).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
addEventListener("resize", () => drawn.forEach((place) => echarts.getInstanceByDom(place)?.resize()));
document.addEventListener("change", (event) => event.target.matches("[data-submit]") && event.target.form.requestSubmit());
drawAll();
