// What on this page has too little contrast (WCAG AA, 4.5 : 1): a list of texts with their ratios.
() => {
  const parse = (text) => {
    const numbers = text.match(/[\d.]+/g).map(Number);
    return numbers.length < 4 ? [...numbers, 1] : numbers;
  };
  const channel = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const hasWords = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const poor = new Set();
  for (const element of document.querySelectorAll("body *")) {
    if (!hasWords(element) || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const colour = getComputedStyle(element).color;
    const words = parse(colour);
    if (words[3] < 1 || colour.startsWith("color")) continue;
    const [a, b] = [light(words), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.add(`${element.className || element.tagName} ${element.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return [...poor];
}
