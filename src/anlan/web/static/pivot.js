// A pivot's zones by drag: what lies in a zone afterwards becomes the address. The buttons beside each field do the same.

const zones = [...document.querySelectorAll("[data-pivot] [data-zone]")];
const dimensions = ["rows", "columns", "dimensions"];

function go() {
  const address = new URL(location.href);
  for (const zone of ["rows", "columns", "values"]) {
    const keys = [...document.querySelectorAll(`[data-zone="${zone}"] > [data-key]`)].map((one) => one.dataset.key);
    address.searchParams.set(zone, keys.join(","));
  }
  location.assign(address);
}

for (const zone of zones) {
  const of = dimensions.includes(zone.dataset.zone) ? "dimension" : "measure";
  Sortable.create(zone, { group: of, animation: 120, forceFallback: true, fallbackTolerance: 4, draggable: "[data-key]", filter: "a", preventOnFilter: false, onEnd: (event) => (event.from !== event.to || event.oldIndex !== event.newIndex) && (event.to.dataset.zone !== event.from.dataset.zone || !["dimensions", "measures"].includes(event.to.dataset.zone)) && go() });
}
