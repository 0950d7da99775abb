"use strict";
// A .player draws its frames from one picture; nothing moves before somebody asks for it.
function startPlayer(player) {
  const frames = player.dataset.frames.split(" ").map(Number);
  const times = player.dataset.times.split(" ").map(Number);
  const columns = Number(player.dataset.columns);
  const cell = Number(player.dataset.cell);
  const timed = player.dataset.timed === "1";
  const last = frames.length - 1;
  // The last frame is shown as long as the others are.
  const duration = last ? times[last] * (1 + 1 / last) : 1;
  const still = player.querySelector(".frame");
  const canvas = player.querySelector("canvas");
  const controls = player.querySelector(".controls");
  const button = controls.querySelector("button");
  const slider = controls.querySelector("input");
  const output = controls.querySelector("output");
  const article = player.closest("article");
  const curves = [...article.querySelectorAll(".curve")]; // a refused answer has none
  const contours = player.dataset.contours?.split(";"); // of each frame its own
  const [others, contour] = player.querySelectorAll(".contours path");
  const toggle = controls.querySelector(".toggle");
  const picture = new Image();
  let began = null; // what the clock said when time 0 was shown; null: paused

  function show(index) {
    const [x, y] = [(index % columns) * cell, Math.floor(index / columns) * cell];
    const [w, h] = [canvas.width, canvas.height];
    canvas.getContext("2d").drawImage(picture, x, y, w, h, 0, 0, w, h);
    let words = `frame ${frames[index]}` + (timed ? `, ${times[index].toFixed(2)} s` : "");
    if (contours) {
      const [largest, rest] = contours[index].split("|");
      contour.setAttribute("d", largest);
      others.setAttribute("d", rest);
      if (!largest) words += ", nothing traced";
    }
    slider.value = index;
    slider.setAttribute("aria-valuetext", words);
    output.textContent = words;
    for (const curve of curves) {
      const place = (100 * (timed ? times[index] : frames[index])) / Number(curve.dataset.end);
      const cursor = curve.querySelector(".cursor");
      cursor.setAttribute("x1", `${place}%`);
      cursor.setAttribute("x2", `${place}%`);
      cursor.classList.add("on");
    }
  }

  function step(now) {
    if (began === null || !player.isConnected) return;
    const time = Math.max(0, (now - began) / 1000) % duration;
    let index = last;
    while (index > 0 && times[index] > time) index--;
    if (index !== Number(slider.value)) show(index);
    requestAnimationFrame(step);
  }

  function pause() {
    began = null;
    button.textContent = "Play";
  }

  button.addEventListener("click", () => {
    if (began !== null) return pause();
    began = performance.now() - 1000 * times[Number(slider.value)];
    button.textContent = "Pause";
    requestAnimationFrame(step);
  });
  slider.addEventListener("input", () => {
    pause();
    show(Number(slider.value));
  });
  toggle?.addEventListener("click", () => showContours(!contoursShown()));
  toggle?.setAttribute("aria-pressed", contoursShown());
  const choice = article.querySelector(".choice");
  choice?.removeAttribute("hidden");
  choice?.addEventListener("change", (event) => {
    for (const pair of article.querySelectorAll(".pair")) {
      pair.hidden = pair.dataset.beat !== event.target.value;
    }
  });
  picture.addEventListener("load", () => {
    show(Number(slider.value));
    still.setAttribute("hidden", "");
    canvas.hidden = false;
    controls.hidden = false;
  });
  const id = still.querySelector("use").getAttribute("href").slice(1);
  picture.src = document.getElementById(id).getAttribute("href");
}

// Contours are seen on the whole page or nowhere on it.
const contoursShown = () => !document.documentElement.classList.contains("no-contours");

function showContours(on) {
  document.documentElement.classList.toggle("no-contours", !on);
  for (const toggle of document.querySelectorAll(".toggle")) toggle.setAttribute("aria-pressed", on);
}

document.addEventListener("keydown", (event) => {
  const written = event.target.closest("input:not([type=range], [type=radio]), textarea");
  if (event.key.toLowerCase() !== "c" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!written && document.querySelector(".toggle")) showContours(!contoursShown());
});

for (const player of document.querySelectorAll(".player")) startPlayer(player);
