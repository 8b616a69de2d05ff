// A dashboard on the wall: drawn for 1920 × 1080 and scaled to the screen, read anew every minute. What cannot be read
// leaves the last good figures where they are, and the stamp says of when they are.

import { say } from "./base.js";

const EVERY = 60_000;
const LATE = 4; // o'clock: the page is loaded anew once a night, so that it never grows old
const screen = document.querySelector(".screen");
const stamp = document.querySelector("[data-stamp]");
const places = [...document.querySelectorAll("[data-screen]")];
let good = null;
let night = new Date().getDate();

const fit = () => screen.style.setProperty("--screen-scale", String(Math.min(innerWidth / 1920, innerHeight / 1080)));
const time = (at) => at.toTimeString().slice(0, 5);

/** One widget's content into its place. False when it could not be read, or somebody must log in again. */
async function read(place) {
  try {
    const answer = await fetch(place.dataset.screen, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.querySelector(".part-error, form.login, .login")) return false;
    place.replaceChildren(...page.body.childNodes);
    return true;
  } catch {
    return false;
  }
}

async function round() {
  const now = new Date();
  if (now.getHours() === LATE && now.getDate() !== night && navigator.onLine) {
    night = now.getDate();
    location.reload();
  }
  const read_ = await Promise.all(places.map(read));
  const whole = read_.every(Boolean);
  if (whole) good = now;
  stamp.classList.toggle("late", !whole);
  stamp.textContent = whole ? say("screen_fresh", { time: time(now) }) : good ? say("screen_stale", { time: time(good) }) : say("screen_nothing");
}

addEventListener("resize", fit);
fit();
round();
setInterval(round, EVERY);
