// A scanner for pages: the camera where the browser can read codes, and always a field to type into (a hand scanner types).

import { say } from "./base.js";

const AGAIN = 1500; // ms that a code must have been out of sight before it counts again
const LOOK = 120;
let sound = null;

/** A high beep for good, a low one with a shake for bad. */
export function beep(good) {
  try {
    sound ??= new AudioContext();
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = good ? 1320 : 220;
    volume.gain.value = 0.15;
    tone.connect(volume).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + (good ? 0.08 : 0.35));
  } catch {
    // No sound on this machine: what is said on screen stays.
  }
  navigator.vibrate?.(good ? 40 : [120, 60, 120]);
}

/** Listen for codes inside `place`; `heard(code)` is called for each. */
export function listen(place, heard) {
  const form = place.querySelector("[data-typed]");
  const input = form.querySelector("input");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const code = input.value.trim();
    input.value = "";
    input.focus();
    if (code) heard(code);
  });
  if (matchMedia("(pointer: fine)").matches) input.focus();
  camera(place, heard);
}

export function speak(place, words, good) {
  const said = place.querySelector("[data-scan-said]");
  said.textContent = words;
  said.classList.toggle("bad", !good);
}

async function camera(place, heard) {
  const on = place.querySelector("[data-camera-on]");
  const view = place.querySelector("[data-camera]");
  const video = view.querySelector("video");
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) {
    place.querySelector("[data-no-camera]").hidden = false;
    return;
  }
  let stream = null;
  let timer = 0;
  const seen = new Map();
  const off = () => {
    clearInterval(timer);
    stream?.getTracks().forEach((one) => one.stop());
    stream = null;
    view.hidden = true;
    on.hidden = false;
  };
  on.hidden = false;
  on.addEventListener("click", async () => {
    try {
      const detector = new window.BarcodeDetector();
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      await video.play();
      view.hidden = false;
      on.hidden = true;
      let busy = false;
      timer = setInterval(async () => {
        if (busy || video.readyState < 2) return;
        busy = true;
        try {
          const now = Date.now();
          for (const { rawValue } of await detector.detect(video)) {
            const fresh = now - (seen.get(rawValue) ?? 0) > AGAIN;
            seen.set(rawValue, now);
            if (fresh && rawValue) heard(rawValue);
          }
        } catch {
          off();
          place.querySelector("[data-no-camera]").hidden = false;
        } finally {
          busy = false;
        }
      }, LOOK);
    } catch {
      off();
      speak(place, say("camera_refused"), false);
    }
  });
  view.querySelector("[data-camera-off]").addEventListener("click", off);
  addEventListener("pagehide", off);
}
