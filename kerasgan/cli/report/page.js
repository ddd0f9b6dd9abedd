"use strict";
const key = "kerasgan " + location.pathname;
const slider = document.getElementById("slider");
const frames = [...document.querySelectorAll(".frame")];

// The place of a reader, who must not lose it when a live page reloads itself.
function recall() {
  try { return JSON.parse(sessionStorage.getItem(key)) || {}; } catch { return {}; }
}
function remember() {
  const shown = frames[slider ? slider.value : 0];
  const isNewest = !shown || shown === frames[frames.length - 1];
  const open = [...document.querySelectorAll("details[open]")].map((each) => each.id);
  const place = { step: isNewest ? null : Number(shown.dataset.step), scroll: scrollY, open };
  try { sessionStorage.setItem(key, JSON.stringify(place)); } catch { /* A browser may keep nothing. */ }
}
function show() {
  frames.forEach((frame, index) => { frame.hidden = index !== Number(slider.value); });
  const label = frames[slider.value].dataset.label;
  document.getElementById("step").textContent = label;
  slider.setAttribute("aria-valuetext", label);
}

const place = recall();
if (slider) {
  const last = frames.length - 1;
  const before = frames.filter((frame) => Number(frame.dataset.step) <= place.step).length - 1;
  slider.value = Number.isFinite(place.step) ? Math.max(0, before) : last;
  slider.addEventListener("input", show);
  show();
}
(place.open || []).forEach((id) => { document.getElementById(id)?.setAttribute("open", ""); });
if (place.scroll) scrollTo(0, place.scroll);
addEventListener("pagehide", remember);

const seconds = Number(document.documentElement.dataset.reload);
if (seconds) setTimeout(() => { remember(); location.reload(); }, 1000 * seconds);
